#include "yara/modules/table.h"

/* Nothing else may be defined in this file: see table.h. */
const struct module *const module_table[] = {MODULE_ROWS(MODULE_ROW) NULL};
