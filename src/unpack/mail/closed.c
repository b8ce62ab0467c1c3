#include "unpack/mail/closed.h"

void closed_open_pgp(struct unpack *unpack)
{
    unpack_gap(unpack, bytes_of(""), GAP_ENCRYPTED, "encrypted with OpenPGP");
}

void closed_open_folder(struct unpack *unpack)
{
    unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
               "a mail program's folder (%s): the messages in it are not examined",
               unpack->format->name);
}
