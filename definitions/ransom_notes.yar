/* What ransomware leaves for people to read. A note is short text; reports about notes are longer
 * or say much else, so the general rule asks for the threat, the payment and the contact. */

private rule short_text
{
    strings:
        /* files of rules like this one */
        $rules1 = "strings:"
        $rules2 = "condition:"
    condition:
        not all of them and filesize > 60 and filesize < 48KB and
        uint32(0) != 0x464c457f and uint16(0) != 0x5a4d and uint16(0) != 0x8b1f and
        uint32(0) != 0x04034b50 and uint16(0) != 0x2123
}

rule Ransom_Note_General
{
    meta:
        description = "ransom note"
        reason = "tells the reader that files were encrypted, that there is a price or a threat, and where to write to"
        reference = "https://github.com/ThreatLabz/ransomware_notes"
        date = "2026-11-22"
        severity = "high"
    strings:
        $done1 = /(your|all|the)\s+([a-z-]{1,16}[\s,]+){0,5}(files|data|network|servers?|documents|systems?|computers?|infrastructure|company)\s+([a-z'-]{1,12}\s+){0,8}(encrypted|locked|crypted|hacked|compromised|penetrated|breached)/ nocase
        $done2 = /we\s+(have\s+)?(also\s+)?(hacked|encrypted|breached|penetrated|downloaded|stolen|exfiltrated)\s/ nocase
        $done3 = /(encrypted|locked)\s+(all\s+)?(of\s+)?your\s+(files|data|network|servers?|documents)/ nocase
        $key1 = /(decrypt(ion|or|er)?|restor(e|ing)|recover(y|ing)?)\s+([a-z-]{1,12}\s+){0,5}(key|tool|software|program|files?|data|service)/ nocase
        $key2 = "decryptor" nocase
        $key3 = /\bdecrypt\b/ nocase
        $pay1 = /\b(bitcoins?|btc|monero|xmr|ransom|payment|pay|price)\b/ nocase
        $pay2 = /(will\s+be|be)\s+(published|leaked|sold|posted)/ nocase
        $pay3 = /(do\s+not|don'?t)\s+(try\s+to\s+)?(rename|modify|delete|edit|use\s+third|contact\s+(the\s+)?police|recover|decrypt|shut)/ nocase
        $at1 = /[a-z2-7]{16,56}\.onion/ nocase
        $at2 = /(tor\s+browser|torproject\.org|tox\s+id|tox\.chat|qtox)/ nocase
        $at3 = /[\w.+-]{2,40}@(protonmail|proton|tutanota|tuta|onionmail|cock|airmail|aol|mailfence|keemail|msgsafe|firemail|cyberfear|gmail|yandex|mail2tor|india|qq|bitmessage|jabb|exploit|thesecure|privatemail|zohomail|outlook|dnmx|morke|techmail|disroot|rambler|skiff|swisscows|consultant|email)\.\w{2,6}/ nocase
        $id = /(your|personal|unique|decryption|company)\s+([a-z]{1,10}\s+){0,2}(id|key|code)\s{0,4}[:=\[(-]/ nocase
    condition:
        short_text and any of ($done*) and any of ($key*) and any of ($pay*) and
        (any of ($at1, $at3) or ($at2 and $id))
}

rule Ransom_Note_LockBit
{
    meta:
        description = "LockBit ransom note"
        reason = "the family's slogan"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-165a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = /LockBit\s([0-9.]{1,4}|Black|Green)\s[^\n]{0,10}the world's (fastest|most stable)/ nocase
        $b = ">>>> Your data are stolen and encrypted"
        $c = "lockbitapt" nocase
        $d = "All your important files are encrypted!" nocase
        $e = "LockBit" nocase
    condition:
        short_text and ($a or ($b and $e) or ($c and any of ($b, $d)))
}

rule Ransom_Note_REvil
{
    meta:
        description = "REvil (Sodinokibi) ransom note"
        reason = "the greeting and the way the extension is named"
        reference = "https://attack.mitre.org/software/S0496/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = /---=== Welcome\. Again\. ={0,3}/
        $b = "[+] Whats Happen? [+]"
        $c = "[+] What guarantees? [+]"
        $d = "[+] How to get access on website? [+]"
    condition:
        short_text and 2 of them
}

rule Ransom_Note_Akira
{
    meta:
        description = "Akira ransom note"
        reason = "its first sentence or its portal"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-109a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "Whatever who you are and what your title is if you're reading this it means the internal infrastructure of your company is fully or partially dead"
        $b = "akiralkzxzq2dsrzsrvbr2xgbbu2wgsmxryd4csgfameg52n7efvr2id.onion"
        $c = "akiral2iz6a7qgd3ayp3l6yub7xx2uep76idk3u2kollpj5z3z636bad.onion"
        $d = "reading this" nocase
    condition:
        short_text and ($a or (any of ($b, $c) and $d))
}

rule Ransom_Note_WannaCry
{
    meta:
        description = "WannaCry ransom note"
        reason = "its question and the name of its decryptor"
        reference = "https://attack.mitre.org/software/S0366/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "Ooops, your important files are encrypted." nocase
        $b = "Q:  What's wrong with my files?"
        $c = "@WanaDecryptor@"
        $d = "Send $" nocase
    condition:
        short_text and ($a or $b) and ($c or $d)
}

rule Ransom_Note_Stop_Djvu
{
    meta:
        description = "STOP (Djvu) ransom note"
        reason = "its greeting with the offer of a decrypt tool and a unique key"
        reference = "https://www.emsisoft.com/en/ransomware-decryption/stop-djvu/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = /Don't worry,? (my friend,? )?you can return all your files!/ nocase
        $b = "purchase decrypt tool and unique key" nocase
        $c = "Your personal ID:" nocase
    condition:
        short_text and 2 of them
}

rule Ransom_Note_Phobos_Dharma
{
    meta:
        description = "Phobos, Dharma or 8Base ransom note"
        reason = "the sentence about a security problem with the PC, and how to buy Bitcoins"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-060a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "due to a security problem with your PC" nocase
        $b = "If you want to restore them, write us to the e-mail" nocase
        $c = "Free decryption as guarantee" nocase
        $d = "How to obtain Bitcoins" nocase
        $e = "all your data has been locked us" nocase
        $f = "You want to return?" nocase
        $g = "write email " nocase
    condition:
        short_text and (2 of ($a, $b, $c, $d) or ($e and any of ($f, $g)))
}

rule Ransom_Note_BlackCat
{
    meta:
        description = "BlackCat (ALPHV) ransom note"
        reason = "its headings and its sentence about the extension"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-353a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = /Important files on your (network|system) (was|were) ENCRYPTED/ nocase
        $b = ">> What happened?"
        $c = ">> Sensitive Data"
        $d = ">> CAUTION"
        $e = ">> Recovery procedure"
        $f = "In order to recover your files you need to follow instructions below." nocase
    condition:
        short_text and ($a or 3 of ($b, $c, $d, $e, $f)) and any of ($b, $c, $d, $e, $f)
}

rule Ransom_Note_Conti_BlackBasta
{
    meta:
        description = "Conti or Black Basta ransom note"
        reason = "the sentence that names the strain, or that the data are stolen and encrypted"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-131a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = /All of your files are currently encrypted by CONTI (strain|ransomware)/ nocase
        $b = "Your data are stolen and encrypted" nocase
        $c = "The data will be published on TOR website if you do not pay the ransom" nocase
        $d = /Your company id for log in/ nocase
        $e = "basta" nocase
    condition:
        short_text and ($a or ($b and $c and any of ($d, $e)))
}
