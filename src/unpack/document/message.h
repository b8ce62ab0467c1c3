/* message — messages of Outlook, [MS-OXMSG]: properties that are streams of a compound file. */
#pragma once
#include "unpack/document/ole2.h"

/* The name that a stream of an attachment's data is shown by, or an empty view. */
bytes message_attachment(struct ole2 *ole, uint32_t entry);
/* Hands out a body as text: RTF that is compressed, and texts in UTF-16. False: return. */
bool message_body(struct ole2 *ole, uint32_t entry, bytes path, bytes data) MUST_USE;
