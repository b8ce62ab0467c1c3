#include "cmd/embedded.h"

/* Linked in by embedded.S. */
extern const uint8_t candor_embedded_start[], candor_embedded_end[];

bytes embedded_definitions(void)
{
    return (bytes){candor_embedded_start,
                   (size_t)(candor_embedded_end - candor_embedded_start)};
}
