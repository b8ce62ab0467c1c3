/* What hides other things: preloaded libraries, kernel modules, listeners without a port. */

private rule elf
{
    condition:
        uint32(0) == 0x464c457f
}

rule Rootkit_Preload_Process_Hider
{
    meta:
        description = "libprocesshider and its copies"
        reason = "a shared library with the source's own symbol names and format strings"
        reference = "https://github.com/gianlucaborello/libprocesshider"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $symbol = "process_to_filter"
        $dir = "get_dir_name"
        $name = "get_process_name"
        $fd = "/proc/self/fd/%d"
        $stat = "/proc/%s/stat"
        $scan = "%d (%[^)]s"
        $readdir = "readdir64"
        $dlsym = "dlsym"
    condition:
        elf and filesize < 512KB and $readdir and $dlsym and
        ($symbol or ($fd and $stat and $scan) or ($dir and $name and $scan))
}

rule Rootkit_Preload_Hides_Connections
{
    meta:
        description = "preloaded library that hides files and connections"
        reason = "a small shared library that wraps readdir and fopen, and knows both the preload file and the kernel's connection tables"
        reference = "https://attack.mitre.org/techniques/T1574/006/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $preload = "/etc/ld.so.preload"
        $tcp = "/proc/net/tcp"
        $dlsym = "dlsym"
        $a = "readdir64"
        $b = "fopen64"
        $c = "__lxstat64"
        $d = "unlinkat"
        $e = "pam_authenticate"
        $f = "execve"
    condition:
        elf and uint16(16) == 3 and filesize < 1MB and $preload and $tcp and $dlsym and
        3 of ($a, $b, $c, $d, $e, $f)
}

rule Rootkit_Preload_Hidden_Shell
{
    meta:
        description = "Azazel, HiddenWasp or a relative"
        reason = "environment variables by which these preload rootkits recognise their own shell"
        reference = "https://intezer.com/blog/research/hiddenwasp-malware-targeting-linux-systems/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "HIDE_THIS_SHELL"
        $b = "I_AM_HIDDEN"
        $c = "ld.so.preload"
        $d = "azazel" nocase
    condition:
        elf and filesize < 2MB and any of ($a, $b) and any of ($c, $d)
}

rule Rootkit_Preload_Symbiote
{
    meta:
        description = "Symbiote"
        reason = "the variable that hands its library over, or its files' names, beside the preload variable"
        reference = "https://intezer.com/blog/research/new-linux-threat-symbiote/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "HTTP_SETTHIS"
        $b = "/usr/include/certbot.h"
        $c = "/usr/include/certbotx64.so"
        $d = "/usr/include/certbotx86.so"
        $e = "LD_PRELOAD"
    condition:
        elf and filesize < 2MB and (2 of ($a, $b, $c, $d) or ($a and $e))
}

rule Rootkit_Preload_Orbit
{
    meta:
        description = "OrBit"
        reason = "the directory in which it keeps stolen passwords"
        reference = "https://intezer.com/blog/incident-response/orbit-new-undetected-linux-threat/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $dir = "/lib/libntpVnQE6mk/"
    condition:
        elf and $dir
}

rule Rootkit_Preload_Medusa
{
    meta:
        description = "Medusa preload rootkit"
        reason = "files of its hidden directory"
        reference = "https://cloud.google.com/blog/topics/threat-intelligence/uncovering-unc3886-espionage-operations"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "/lib/seconf/"
        $b = ".backup_ld.so"
        $c = "remote_logs"
        $d = "local_logs"
        $e = "sshpass"
    condition:
        elf and filesize < 4MB and $a and any of ($b, $c, $d, $e)
}

rule Rootkit_Module_Diamorphine
{
    meta:
        description = "Diamorphine kernel module"
        reason = "a kernel module with the names of the published source"
        reference = "https://github.com/m0nad/Diamorphine"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $vermagic = "vermagic="
        $a = "diamorphine_init"
        $b = "hacked_getdents64"
        $c = "hacked_kill"
        $d = "is_invisible"
        $e = "give_root"
        $f = "module_hide"
        $g = "diamorphine_secret"
    condition:
        elf and filesize < 4MB and $vermagic and 3 of ($a, $b, $c, $d, $e, $f, $g)
}

rule Rootkit_Module_Reptile
{
    meta:
        description = "Reptile kernel module or loader"
        reason = "names of its hooks and of the directory it hides"
        reference = "https://github.com/f0rb1dd3n/Reptile"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "reptile_init"
        $b = "khook_filldir"
        $c = "hide_tcp_conn"
        $d = "is_name_invisible"
        $e = "magic_packet_hook_options"
        $f = "/reptile/reptile"
        $g = "file_check"
        $h = "hide_content"
        $i = "reptile_shell"
    condition:
        elf and filesize < 4MB and 3 of them
}

rule Rootkit_Module_Hooks_Calls
{
    meta:
        description = "kernel module that hooks system calls and gives itself root"
        reason = "a module that looks the system call table up, wraps directory listing and changes credentials"
        reference = "https://attack.mitre.org/techniques/T1014/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $vermagic = "vermagic="
        $table = "sys_call_table"
        $lookup = "kallsyms_lookup_name"
        $ftrace = "ftrace_set_filter_ip"
        $kprobe = "register_kprobe"
        $prepare = "prepare_creds"
        $commit = "commit_creds"
        $list = /(hook|hacked|new|fake|evil|rk|my)_?_?(sys_?|x64_sys_)?getdents(64)?/
        $kill = /(hook|hacked|new|fake|evil|rk|my)_?_?(sys_?|x64_sys_)?kill/
        $tcp = /(hook|hacked|new|fake|evil|rk|my)_?(tcp[46]_seq_show)/
    condition:
        elf and filesize < 4MB and $vermagic and any of ($table, $lookup, $ftrace, $kprobe) and
        any of ($list, $tcp) and ($kill or ($prepare and $commit))
}

rule Backdoor_BPFDoor
{
    meta:
        description = "BPFDoor"
        reason = "its lock file, its false process names or its firewall commands; it listens with a packet filter instead of a port"
        reference = "https://www.elastic.co/security-labs/a-peek-behind-the-bpfdoor"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "/var/run/haldrund.pid"
        $b = "hald-addon-acpi: listening on acpi kernel interface /proc/acpi/event"
        $c = "/sbin/iptables -t nat -D PREROUTING -p tcp -s %s --dport %d -j REDIRECT --to-ports %d"
        $d = "/sbin/iptables -I INPUT -p tcp -s %s -j ACCEPT"
        $e = "/usr/libexec/postfix/master -w"
        $f = "dbus-daemon --system"
        $g = "[-] Spawn shell failed."
        $h = "[-] Execute command failed"
    condition:
        elf and filesize < 1MB and 3 of them
}

rule Backdoor_XZ_Liblzma
{
    meta:
        description = "liblzma with the backdoor of xz 5.6.0 and 5.6.1"
        reason = "the first bytes of the function that the backdoor put before the hook (CVE-2024-3094)"
        reference = "https://www.openwall.com/lists/oss-security/2024/03/29/4"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $code = { F3 0F 1E FA 55 48 89 F5 4C 89 CE 53 89 FB 81 E7 00 00 00 80 48 83 EC 28 48 89 54 24 18 48 89 4C 24 10 }
    condition:
        elf and $code
}

rule Backdoor_PAM_Password_Logger
{
    meta:
        description = "PAM module that accepts a fixed password or keeps those it sees"
        reason = "a PAM module with a format for captured names and passwords and a hidden file to keep them in"
        reference = "https://attack.mitre.org/techniques/T1556/003/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $pam = "pam_sm_authenticate"
        $format = /(user(name)?|login|host)\s{0,2}[:=]\s{0,2}%s[^\x00]{0,20}pass(word|wd)?\s{0,2}[:=]\s{0,2}%s/ nocase
        $file = /\/(tmp|var\/tmp|var\/log|dev\/shm|usr\/lib|usr\/share|etc)\/[^\x00\s]{0,40}\.[A-Za-z0-9_-]{1,24}\x00/
        $shared = "pam_get_"
    condition:
        elf and filesize < 1MB and all of them
}
