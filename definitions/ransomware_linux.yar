/* Encryptors for Linux and ESXi. Family rules ask for texts of that family; the last ones ask for
 * what every ESXi encryptor has to do. */

private rule elf
{
    condition:
        uint32(0) == 0x464c457f
}

rule Ransomware_ESXi_Kills_Machines
{
    meta:
        description = "program that kills all virtual machines of an ESXi host and looks for their disks"
        reason = "holds the command that kills a machine by force, the datastore path and the suffixes of machine files"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-039a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $kill = /esxcli\s[^\x00\n]{0,80}vm process kill\s/
        $list = /esxcli\s[^\x00\n]{0,120}vm process list/
        $path = "/vmfs/volumes"
        $a = ".vmdk"
        $b = ".vmem"
        $c = ".vswp"
        $d = ".vmsn"
        $e = ".vmss"
    condition:
        elf and filesize < 16MB and ($kill or $list) and $path and 2 of ($a, $b, $c, $d, $e)
}

rule Ransomware_ESXi_Removes_Snapshots
{
    meta:
        description = "program that removes all snapshots and encrypts"
        reason = "holds the commands that enumerate machines and remove their snapshots, beside a ransom note or an onion address"
        reference = "https://attack.mitre.org/techniques/T1490/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $all = "vim-cmd vmsvc/getallvms"
        $remove = "vim-cmd vmsvc/snapshot.removeall"
        $onion = /[a-z2-7]{56}\.onion/
        $a = "encrypted" nocase
        $b = "decrypt" nocase
    condition:
        elf and filesize < 16MB and $all and $remove and ($onion or all of ($a, $b))
}

rule Ransomware_Revix
{
    meta:
        description = "REvil for Linux (Revix)"
        reason = "help text of the encryptor"
        reference = "https://attack.mitre.org/software/S0496/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "Usage example: elf.exe --path /vmfs/ --threads 5"
        $b = "--silent (-s) use for not stoping VMs mode"
        $c = "!!!BY DEFAULT THIS SOFTWARE USES 50 THREADS!!!"
        $d = "without --path encrypts current dir"
        $e = "Revix 1."
    condition:
        elf and 2 of them
}

rule Ransomware_HelloKitty_Linux
{
    meta:
        description = "HelloKitty for Linux"
        reason = "messages of the encryptor"
        reference = "https://attack.mitre.org/software/S0617/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "First try kill VM:%ld ID:%d %s"
        $b = "Check kill VM: after process"
        $c = "Usage:%s [-m (5-10-20-25-33-50) ] Start Path"
        $d = "esxcli vm process kill -t=soft -w=%d"
        $e = "work.log"
    condition:
        elf and 2 of them
}

rule Ransomware_Babuk_ESXi
{
    meta:
        description = "Babuk for ESXi, or one of those made from its leaked source"
        reason = "usage and statistics texts of the leaked source"
        reference = "https://www.sentinelone.com/labs/hypervisor-ransomware-multiple-threat-actor-groups-hop-on-leaked-babuk-code-to-build-esxi-lockers/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "Usage: %s /path/to/be/encrypted"
        $b = "Doesn't encrypted files: %d"
        $c = "Encrypted files: %d"
        $d = "Skipped files: %d"
        $e = "Whole files count: %d"
        $f = "Crypted: "
        $g = ".babyk"
    condition:
        elf and 3 of them
}

rule Ransomware_LockBit_ESXi
{
    meta:
        description = "LockBit for Linux and ESXi"
        reason = "the encryptor's name of itself and of its options"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-165a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "LockBit Linux/ESXi locker" nocase
        $b = "Restore-My-Files.txt" nocase
        $c = "[+] Add directory to encrypt:"
        $d = "vm-support --listvms"
        $e = "Enc (default 1 mb)"
    condition:
        elf and ($a or 2 of ($b, $c, $d, $e))
}

rule Ransomware_Conti_Linux
{
    meta:
        description = "Conti for Linux"
        reason = "options of the encryptor and its note"
        reference = "https://www.cisa.gov/news-events/alerts/2021/09/22/conti-ransomware"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $note = "All of your files are currently encrypted by CONTI strain"
        $a = "--prockiller"
        $b = "--vmkiller"
        $c = "--vmlist"
        $d = "--detach"
        $e = "conti_v3"
    condition:
        elf and (($note and any of ($a, $b, $c, $d)) or 3 of ($a, $b, $c, $d, $e))
}

rule Ransomware_Akira_Linux
{
    meta:
        description = "Akira for Linux and ESXi"
        reason = "the name of its note beside its options"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-109a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $note = "akira_readme.txt" nocase
        $a = "--encryption_path"
        $b = "--share_file"
        $c = "--encryption_percent"
        $d = "akiralkzxzq2dsrzsrvbr2xgbbu2wgsmxryd4csgfameg52n7efvr2id.onion"
    condition:
        elf and ($d or ($note and any of ($a, $b, $c)) or all of ($a, $b, $c))
}

rule Ransomware_BlackBasta_Linux
{
    meta:
        description = "Black Basta for Linux and ESXi"
        reason = "its option, its note and its suffix"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-131a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "-forcepath"
        $b = "Your data are stolen and encrypted"
        $c = ".basta"
        $d = "/vmfs/volumes"
        $e = "Done time: %.4f seconds, encrypted: %.4f gb"
    condition:
        elf and 3 of them
}

rule Ransomware_AvosLocker_Linux
{
    meta:
        description = "AvosLocker for Linux and ESXi"
        reason = "the name of its note beside its suffix or the help text"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-284a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $note = "README_FOR_RESTORE"
        $a = ".avoslinux"
        $b = ".avos2"
        $c = "Usage: ./avos"
        $d = "avosjon4pfh3y7ew3jdwz6ofw7lljcxlbk7hcxxmnxlh5kvf2akcqjad.onion"
    condition:
        elf and ($d or ($note and any of ($a, $b, $c)))
}

rule Ransomware_Hive_Linux
{
    meta:
        description = "Hive for Linux and ESXi"
        reason = "the address of its portal or the name of its note beside its messages"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa22-321a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "hivecust6vhekztbqgdnkks64ucehqacge3dij3gyrrpdp57zoq3ooqd.onion"
        $b = "hiveleakdbtnp76ulyhi52eag6c6tyc3xw7ez7iqy6wc34gd2nekazyd.onion"
    condition:
        elf and any of them
}

rule Ransomware_Clop_Linux
{
    meta:
        description = "Cl0p for Linux"
        reason = "the name and the text of its note"
        reference = "https://www.sentinelone.com/labs/cl0p-ransomware-targets-linux-systems-with-flawed-encryption-decryptor-available/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "README_C_I_0P.TXT"
        $b = "C_I_0P^_"
        $c = ".C_I_0P"
        $d = "CONTACT US BY EMAIL:"
    condition:
        elf and 2 of them
}

rule Ransomware_Royal_Linux
{
    meta:
        description = "Royal or BlackSuit for Linux and ESXi"
        reason = "its options beside the shell commands it runs"
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-061a"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "esxcli vm process list > list"
        $b = "-vmonly"
        $c = "-stopvm"
        $d = "royal_u"
        $e = ".royal_w"
        $f = "README.BlackSuit.txt"
        $g = "vm process kill --type=hard --world-id="
    condition:
        elf and filesize < 16MB and 3 of them
}

rule Ransomware_Cheerscrypt
{
    meta:
        description = "Cheerscrypt for ESXi"
        reason = "its suffix and the name of its note"
        reference = "https://www.trendmicro.com/en_us/research/22/e/new-linux-based-ransomware-cheerscrypt-targets-exsi-devices.html"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = ".Cheers"
        $b = "How To Restore Your Files.txt"
        $c = "esxcli vm process kill"
        $d = "encrypting" nocase
    condition:
        elf and filesize < 8MB and $a and $b and any of ($c, $d)
}

rule Ransomware_Shell_Script
{
    meta:
        description = "shell script that encrypts files and removes the originals"
        reason = "openssl or gpg encrypts what find lists, the originals are removed, and a ransom is asked for"
        reference = "https://attack.mitre.org/techniques/T1486/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $find = /\b(find|grep -r)\s[^\n]{2,160}/
        $encrypt = /\b(openssl\s+(enc\s+)?-?(aes|des3|chacha|rsautl)|gpg\s[^\n]{0,60}(-c|--symmetric|--encrypt))/
        $remove = /\b(rm\s+-r?f|shred|dd\s+if=\/dev\/(zero|urandom)\s+of=)/
        $ransom = /(bitcoin|\bBTC\b|monero|\.onion|protonmail|tutanota|telegram)/ nocase
        $said = /(your\s+(files|data|server|documents)\s[^\n]{0,60}encrypted|has been encrypted|to decrypt)/ nocase
    condition:
        uint16(0) == 0x2123 and filesize < 512KB and all of them
}
