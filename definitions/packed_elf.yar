/* Signs that an ELF program hides what it is. Packing is not malware: Debian's programs are not
 * packed, so on a server these are worth a look; their severity says so. */

import "elf"
import "math"

private rule elf_file
{
    condition:
        uint32(0) == 0x464c457f
}

rule Packed_ELF_UPX
{
    meta:
        description = "program packed with UPX"
        reason = "UPX's marks in a program without section headers"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        date = "2026-11-22"
        severity = "low"
    strings:
        $mark = "UPX!"
        $info = "$Info: This file is packed with the UPX executable packer"
    condition:
        elf_file and elf.number_of_sections == 0 and #mark > 1 and $info
}

rule Packed_ELF_UPX_Disguised
{
    meta:
        description = "program packed with UPX whose marks were removed"
        reason = "the text of UPX's unpacker is there and its marks are not: that keeps upx -d from unpacking"
        reference = "https://blog.jpcert.or.jp/en/2022/03/anti_upx_unpack.html"
        date = "2026-11-22"
        severity = "high"
    strings:
        $stub = "PROT_EXEC|PROT_WRITE failed."
        $mark = "UPX!"
    condition:
        elf_file and elf.number_of_sections == 0 and $stub and not $mark
}

rule Packed_ELF_Writable_Code
{
    meta:
        description = "program without section headers whose code is writable and looks encrypted"
        reason = "a loaded segment that is readable, writable and executable, no sections, and entropy above 7.2"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        date = "2026-11-22"
        severity = "medium"
    condition:
        elf_file and filesize > 4KB and filesize < 32MB and elf.number_of_sections == 0 and
        (elf.type == elf.ET_EXEC or elf.type == elf.ET_DYN) and
        for any i in (0..elf.number_of_segments - 1): (
            elf.segments[i].type == elf.PT_LOAD and elf.segments[i].flags == 7
        ) and
        math.entropy(0, filesize) > 7.2
}

rule Packed_ELF_Ezuri
{
    meta:
        description = "ezuri loader"
        reason = "names of the Go functions that decrypt a program and run it from memory"
        reference = "https://cybersecurity.att.com/blogs/labs-research/malware-using-new-ezuri-memory-loader"
        date = "2026-11-22"
        severity = "high"
    strings:
        $a = "main.runFromMemory"
        $b = "main.aesDec"
        $c = "/proc/self/fd/%d"
    condition:
        elf_file and $a and any of ($b, $c)
}

rule Packed_ELF_Burneye
{
    meta:
        description = "program encrypted with burneye"
        reason = "the name that the encryptor leaves in its output"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        date = "2026-11-22"
        severity = "medium"
    strings:
        $name = "TEEE burneye - TESO ELF Encryption Engine"
    condition:
        elf_file and $name
}

rule Packed_ELF_Shell_Script
{
    meta:
        description = "shell script compiled with shc"
        reason = "messages of the program that shc wraps around an encrypted script"
        reference = "https://github.com/neurobin/shc"
        date = "2026-11-22"
        severity = "low"
    strings:
        $a = "E: neither argv[0] nor $_ works."
        $b = "has expired!\x0a"
        $c = "location has changed!"
        $d = "shc Version"
        $e = "abnormal behavior!"
    condition:
        elf_file and filesize < 4MB and 3 of ($a, $b, $c, $e) and not $d
}

rule Packed_ELF_Overlapping_Header
{
    meta:
        description = "hand-made program of less than 2 KB that loads itself writable and executable"
        reason = "no sections, one segment with all rights and hardly any size: how stagers are built"
        reference = "https://github.com/rapid7/metasploit-framework/tree/master/data/templates"
        date = "2026-11-22"
        severity = "high"
    condition:
        elf_file and filesize < 2KB and elf.number_of_sections == 0 and
        elf.number_of_segments == 1 and elf.segments[0].flags == 7
}
