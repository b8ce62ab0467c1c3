/* A token is a byte (of operands bits 5 and 6 are their class) and its data:
 *
 *   01 exp, 02 table 4   03..14 operators   15 paren   16 missing   17 string: u8 count, text
 *   18 attributes: u8 kind, u16 (kind 4, choose: that many u16 and one more)
 *   1c error 1   1d bool 1   1e int 2   1f double 8   20 array 7   21 function: u16
 *   22 function: u8 arguments, u16   23 name 4   24 cell: u16 row, u16 column   25 area 8
 *   26..28 6   29 2   2a, 2b: 4, 8   2c, 2d relative: 4, 8   39 name elsewhere 6
 *   3a cell elsewhere: u16, cell   3b area elsewhere 10   3c, 3d errors of these
 *
 * The sizes are those of BIFF8; of BIFF5 cells are 3 bytes, areas 6, and what lies elsewhere
 * longer. */
#include "unpack/document/workbook_formula.h"

#include "unpack/document/text.h"

/* Functions that macros use, [MS-XLS] 2.5.198.17 and .4. */
static const struct {
    uint16_t number;
    const char *name;
} functions[] = {
    {0, "COUNT"},         {1, "IF"},
    {4, "SUM"},           {6, "MIN"},
    {7, "MAX"},           {8, "ROW"},
    {9, "COLUMN"},        {13, "DOLLAR"},
    {14, "FIXED"},        {24, "ABS"},
    {25, "INT"},          {27, "ROUND"},
    {29, "INDEX"},        {31, "MID"},
    {32, "LEN"},          {33, "VALUE"},
    {34, "TRUE"},         {35, "FALSE"},
    {36, "AND"},          {37, "OR"},
    {38, "NOT"},          {39, "MOD"},
    {48, "TEXT"},         {53, "GOTO"},
    {54, "HALT"},         {55, "RETURN"},
    {63, "RAND"},         {65, "DATE"},
    {74, "NOW"},          {78, "OFFSET"},
    {79, "ABSREF"},       {81, "ARGUMENT"},
    {82, "SEARCH"},       {84, "ERROR"},
    {85, "STEP"},         {87, "ECHO"},
    {88, "SET.NAME"},     {89, "CALLER"},
    {90, "DEREF"},        {91, "WINDOWS"},
    {94, "ACTIVE.CELL"},  {95, "SELECTION"},
    {96, "RESULT"},       {97, "ATAN2"},
    {100, "CHOOSE"},      {102, "VLOOKUP"},
    {103, "LINKS"},       {104, "INPUT"},
    {106, "GET.FORMULA"}, {107, "GET.NAME"},
    {108, "SET.VALUE"},   {110, "EXEC"},
    {111, "CHAR"},        {112, "LOWER"},
    {113, "UPPER"},       {115, "LEFT"},
    {116, "RIGHT"},       {117, "EXACT"},
    {118, "TRIM"},        {119, "REPLACE"},
    {120, "SUBSTITUTE"},  {121, "CODE"},
    {122, "NAMES"},       {123, "DIRECTORY"},
    {124, "FIND"},        {125, "CELL"},
    {132, "FOPEN"},       {133, "FCLOSE"},
    {134, "FSIZE"},       {135, "FREADLN"},
    {136, "FREAD"},       {137, "FWRITELN"},
    {138, "FWRITE"},      {139, "FPOS"},
    {144, "SELECT"},      {145, "DELETE"},
    {148, "INDIRECT"},    {149, "REGISTER"},
    {150, "CALL"},        {151, "ADD.BAR"},
    {162, "CLEAN"},       {169, "COUNTA"},
    {175, "INITIATE"},    {176, "REQUEST"},
    {177, "POKE"},        {178, "EXECUTE"},
    {179, "TERMINATE"},   {184, "RESTART"},
    {185, "HELP"},        {186, "GET.WORKBOOK"},
    {187, "INFO"},        {212, "ROUNDUP"},
    {220, "DAYS360"},     {221, "TODAY"},
    {255, "USER"},        {256, "DEFINE"},
    {267, "UNREGISTER"},  {336, "CONCATENATE"},
    {347, "COUNTBLANK"},
};

static const char *function_name(unsigned number)
{
    for (size_t i = 0; i < COUNT(functions); i++)
        if (functions[i].number == number)
            return functions[i].name;
    return NULL;
}

static bool function_put(struct unpack *u, unsigned number, int arguments)
{
    const char *name = function_name(number & 0x7fff);
    bool good =
        name ? text_put(u, "%s", name)
             : text_put(u, "%s%u", number & 0x8000 ? "COMMAND" : "FUNCTION", number & 0x7fff);
    return good && (arguments < 0 ? text_put(u, "() ") : text_put(u, "(%d) ", arguments));
}

bool workbook_formula_string(struct unpack *u, bytes *rest, size_t count, bool biff8)
{
    bool wide = biff8 && rest->len && (rest->at[0] & 1);
    bytes text = bytes_slice(*rest, biff8, wide ? 2 * count : count);
    *rest = bytes_slice(*rest, biff8 + text.len, rest->len);
    if (!text_put(u, "\""))
        return false;
    if (wide ? !text_put_utf16(u, text) : !unpack_put(u, text))
        return false;
    return text_put(u, "\"");
}

/* Bytes of a token's data; -1 when it is not known. Classes are folded to 2x and 3x. */
static int token_size(unsigned token, bool biff8)
{
    switch (token) {
    case 0x01:
    case 0x02:
        return 4;
    case 0x1c:
    case 0x1d:
        return 1;
    case 0x1e:
    case 0x21:
        return 2;
    case 0x1f:
        return 8;
    case 0x20:
        return 7;
    case 0x22:
        return 3;
    case 0x23:
        return biff8 ? 4 : 14;
    case 0x24:
    case 0x2a:
    case 0x2c:
        return biff8 ? 4 : 3;
    case 0x25:
    case 0x2b:
    case 0x2d:
        return biff8 ? 8 : 6;
    case 0x26:
    case 0x27:
    case 0x28:
        return 6;
    case 0x29:
        return 2;
    case 0x39:
        return biff8 ? 6 : 24;
    case 0x3a:
    case 0x3c:
        return biff8 ? 6 : 17;
    case 0x3b:
    case 0x3d:
        return biff8 ? 10 : 20;
    default:
        return token >= 0x03 && token <= 0x16 ? 0 : -1;
    }
}

static bool cell_put(struct unpack *u, bytes data, size_t at)
{
    uint16_t row = 0, column = 0;
    (void)bytes_le16(data, at, &row);
    (void)bytes_le16(data, at + 2, &column);
    return text_put(u, "R%uC%u ", row + 1u, (column & 0xff) + 1u);
}

static bool operand_put(struct unpack *u, unsigned token, bytes data, bool biff8)
{
    static const char *const operators[] = {"+",  "-", "*",  "/", "^", "&", "<", "<=", "=",
                                            ">=", ">", "<>", " ", ",", ":", "+", "-",  "%"};
    uint16_t number = 0;
    uint32_t name = 0;
    if (token >= 0x03 && token <= 0x14)
        return text_put(u, "%s ", operators[token - 3]);
    switch (token) {
    case 0x1d:
        return text_put(u, "%s ", data.len && data.at[0] ? "TRUE" : "FALSE");
    case 0x1e:
        return !bytes_le16(data, 0, &number) || text_put(u, "%u ", number);
    case 0x21:
        return !bytes_le16(data, 0, &number) || function_put(u, number, -1);
    case 0x22:
        return !bytes_le16(data, 1, &number) || function_put(u, number, data.at[0] & 0x7f);
    case 0x23:
        return !bytes_le32(data, 0, &name) || text_put(u, "NAME%u ", name);
    case 0x24:
        return !biff8 || cell_put(u, data, 0);
    case 0x3a:
        return !biff8 || cell_put(u, data, 2);
    case 0x15:
    case 0x16:
        return true;
    default:
        return text_put(u, "[%02x] ", token);
    }
}

/* 18: jumps and the like; CHOOSE has a table. */
static size_t attribute_size(bytes rest)
{
    uint16_t count = 0;
    (void)bytes_le16(rest, 2, &count);
    return rest.len > 1 && (rest.at[1] & 4) ? 6 + 2u * count : 4;
}

bool workbook_formula_put(struct unpack *u, bytes rest, bool biff8)
{
    while (rest.len && budget_charge(u->budget, 8)) {
        unsigned token = rest.at[0];
        if (token == 0x17) {
            size_t count = rest.len > 1 ? rest.at[1] : 0;
            rest = bytes_slice(rest, 2, rest.len);
            if (!workbook_formula_string(u, &rest, count, biff8) || !text_put(u, " "))
                return false;
            continue;
        }
        if (token == 0x19 || token == 0x18) {
            rest = bytes_slice(rest, token == 0x19 ? attribute_size(rest) : 6, rest.len);
            continue;
        }
        if (token >= 0x40) /* the class of an operand */
            token = (token & 0x1f) | 0x20;
        int size = token_size(token, biff8);
        if (size < 0)
            return text_put(u, "...");
        if (!operand_put(u, token, bytes_slice(rest, 1, (size_t)size), biff8))
            return false;
        rest = bytes_slice(rest, 1 + (size_t)size, rest.len);
    }
    return true;
}
