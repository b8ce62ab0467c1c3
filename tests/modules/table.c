/* The rows of src/yara/modules/table.h and the module that only tests have. A program that
 * links this file does not get the engine's own table. */
#include "yara/modules/table.h"

MODULE_DECLARE(tests)

const struct module *const module_table[] = {MODULE_ROWS(MODULE_ROW) MODULE_ROW(tests) NULL};
