#include "clamav/clamav.h"

/* Kinds whose readers are not in yet. */

int clamav_body_line(struct clamav *clamav, bytes line)
{
    (void)line;
    clamav_refuse(clamav, CLAMAV_BODY, "nothing here reads such signatures yet");
    return 0;
}

int clamav_old_line(struct clamav *clamav, bytes line)
{
    return clamav_body_line(clamav, line);
}

int clamav_logical_line(struct clamav *clamav, bytes line)
{
    (void)line;
    clamav_refuse(clamav, CLAMAV_LOGICAL, "nothing here reads such signatures yet");
    return 0;
}
