/* Top level domains of IANA as of 2010, when names under all of them could be told by heart:
 * those by which ClamAV 1.4 knows an address. */
#include "phishing/tops.h"

#include <string.h>

/* Of countries, two letters each. */
static const char countries[] =
    "acadaeafagaialamanaoaqarasatauawaxazbabbbdbebfbgbhbibjbmbnbobrbsbtbvbwby"
    "bzcacccdcfcgchcickclcmcncocrcucvcxcyczdedjdkdmdodzeceeegereseteufifjfkfm"
    "fofrgagbgdgegfggghgiglgmgngpgqgrgsgtgugwgyhkhmhnhrhthuidieiliminioiqiris"
    "itjejmjojpkekgkhkikmknkpkrkwkykzlalblclilklrlsltlulvlymamcmdmemgmhmkmlmm"
    "mnmompmqmrmsmtmumvmwmxmymznancnenfngninlnonpnrnunzompapepfpgphpkplpmpnpr"
    "psptpwpyqarerorsrurwsasbscsdsesgshsisjskslsmsnsosrstsusvsysztctdtftgthtj"
    "tktltmtntotptrtttvtwtzuaugukusuyuzvavcvevgvivnvuwfwsyeytyuzazmzw";

/* Countries without names of their own. */
static const char unused[] = "blehmfum";

static const char *const others[] = {"aero",
                                     "arpa",
                                     "asia",
                                     "biz",
                                     "cat",
                                     "com",
                                     "coop",
                                     "edu",
                                     "gov",
                                     "info",
                                     "int",
                                     "jobs",
                                     "mil",
                                     "mobi",
                                     "museum",
                                     "name",
                                     "net",
                                     "org",
                                     "pro",
                                     "tel",
                                     "travel",
                                     "xn--0zwm56d",
                                     "xn--11b5bs3a9aj6g",
                                     "xn--80akhbyknj4f",
                                     "xn--9t4b11yi5a",
                                     "xn--deba0ad",
                                     "xn--g6w251d",
                                     "xn--hgbk6aj7f53bba",
                                     "xn--hlcj6aya9esc7a",
                                     "xn--jxalpdlp",
                                     "xn--kgbechtv",
                                     "xn--zckzah"};

static bool has_pair(const char *pairs, const char *text)
{
    for (; *pairs; pairs += 2)
        if (memcmp(pairs, text, 2) == 0)
            return true;
    return false;
}

bool tops_has_country(const char *text, size_t len)
{
    return len == 2 && (has_pair(countries, text) || has_pair(unused, text));
}

bool tops_has(const char *text, size_t len)
{
    if (len == 2)
        return has_pair(countries, text);
    for (size_t i = 0; i < COUNT(others); i++)
        if (strlen(others[i]) == len && memcmp(others[i], text, len) == 0)
            return true;
    return false;
}
