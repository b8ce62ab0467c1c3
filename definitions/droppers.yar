/* Scripts that fetch malware, make room for it and keep it running. */

private rule script_or_short
{
    condition:
        filesize < 512KB and (uint16(0) == 0x2123 or filesize < 2KB)
}

rule Dropper_IoT_Directory_Chain
{
    meta:
        description = "shell dropper of IoT botnets"
        reason = "tries one writable directory after another, fetches a binary, makes it executable and starts it"
        reference = "https://attack.mitre.org/techniques/T1105/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $chain = /cd\s+\/tmp\/?\s{0,4}(\|\||;)\s{0,4}cd\s+\/(var\/run|mnt|root|run|dev\/shm|var\/tmp|var)\/?\s{0,4}(\|\||;)\s{0,4}cd\s+\//
        $fetch = /\b(wget|curl|tftp|ftpget)\s[^\n]{0,160}(https?:\/\/|-g\s|-r\s|-c\s+get\s|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})/
        $mode = /chmod\s+(\+x|777|0777|755)\s/
        $start = /(;|\n|&&)\s{0,8}(sh\s+\S{1,40}|\.\/\S{1,60})/
    condition:
        script_or_short and all of them
}

rule Dropper_Many_Architectures
{
    meta:
        description = "shell dropper that fetches one binary for each processor"
        reason = "fetches files named after five or more processor architectures and makes them executable"
        reference = "https://www.cisa.gov/news-events/alerts/2016/10/14/heightened-ddos-threat-posed-mirai-and-other-botnets"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $fetch = /\b(wget|curl|tftp|ftpget)\s[^\n]{0,100}\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/
        $mode = /chmod\s+(\+x|777|0777|755)\s/
        $mips = /[.\/_-]mips\b/
        $mpsl = /[.\/_-](mpsl|mipsel)\b/
        $arm5 = /[.\/_-]arm(v)?5[a-z]{0,4}\b/
        $arm6 = /[.\/_-]arm(v)?6[a-z]{0,4}\b/
        $arm7 = /[.\/_-]arm(v)?7[a-z]{0,4}\b/
        $sh4 = /[.\/_-]sh4\b/
        $ppc = /[.\/_-](ppc|powerpc)\b/
        $m68k = /[.\/_-]m68k\b/
        $spc = /[.\/_-](spc|sparc)\b/
        $x86 = /[.\/_-](x86|i[3456]86)\b/
    condition:
        script_or_short and $fetch and $mode and
        5 of ($mips, $mpsl, $arm5, $arm6, $arm7, $sh4, $ppc, $m68k, $spc, $x86)
}

rule Dropper_Download_Without_History
{
    meta:
        description = "script that hides its history and pipes a download into a shell"
        reason = "the shell history is switched off before something from the network is executed"
        reference = "https://attack.mitre.org/techniques/T1070/003/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $history = /(unset\s+HISTFILE|HISTFILE=\/dev\/null|HISTSIZE=0|HISTFILESIZE=0|set\s+\+o\s+history)\b/
        $pipe = /\b(curl|wget|lwp-download)\s[^\n|]{4,200}\|\s{0,4}(sudo\s+)?(\/bin\/)?(ba|da)?sh\b/
    condition:
        script_or_short and all of them
}

rule Dropper_Encoded_Shell
{
    meta:
        description = "shell script that decodes itself and pipes it into a shell"
        reason = "a literal of 160 base64 characters and more is decoded straight into a shell"
        reference = "https://attack.mitre.org/techniques/T1027/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $line = /(echo|printf)\s+(-n\s+)?["']?[A-Za-z0-9+\/]{160,8000}={0,2}["']?\s{0,4}\|\s{0,4}(\/usr\/bin\/)?base64\s+(-d|-D|-di|--decode)\s{0,4}\|\s{0,4}(sudo\s+)?(\/bin\/)?(ba|da)?sh\b/
    condition:
        script_or_short and $line
}

rule Dropper_Cron_Download
{
    meta:
        description = "installs a cron job that runs what it downloads"
        reason = "a line with minutes and hours that pipes a download into a shell is written into a crontab"
        reference = "https://attack.mitre.org/techniques/T1053/003/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $job = /[*0-9\/,]{1,12}\s+[*0-9\/,]{1,12}\s+[*0-9\/,]{1,12}\s+[*0-9\/,]{1,12}\s+[*0-9\/,]{1,12}\s+(root\s+)?[^\n]{0,30}(curl|wget|cd1|wd1|lwp-download)\s[^\n]{4,200}\|\s{0,4}(\/bin\/)?(ba|da)?sh\b/
        $write = /(\|\s{0,4}crontab\s+-|>{1,2}\s{0,4}\/(etc\/cron|var\/spool\/cron))/
    condition:
        script_or_short and all of them
}

rule Dropper_Removes_Cloud_Agents
{
    meta:
        description = "script that removes the security agents of cloud hosts"
        reason = "calls the uninstallers of several cloud monitoring agents, as Rocke and its successors do"
        reference = "https://unit42.paloaltonetworks.com/malware-used-by-rocke-group-evolves-to-evade-detection-by-cloud-security-products/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "update.aegis.aliyun.com/download/uninstall.sh"
        $b = "update.aegis.aliyun.com/download/quartz_uninstall.sh"
        $c = "/usr/local/qcloud/stargate/admin/uninstall.sh"
        $d = "/usr/local/qcloud/YunJing/uninst.sh"
        $e = "/usr/local/qcloud/monitor/barad/admin/uninstall.sh"
        $f = "AliYunDunUpdate"
        $g = "/usr/local/cloudmonitor/cloudmonitorCtl.sh stop"
    condition:
        script_or_short and 2 of them
}

rule Dropper_Disarms_Host
{
    meta:
        description = "script that disarms a host before it fetches its payload"
        reason = "unlocks the preload file or authorized keys, switches off SELinux or the firewall, and downloads"
        reference = "https://attack.mitre.org/techniques/T1562/001/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $unlock = /chattr\s+-[ia]{1,3}\s+[^\n]{0,60}(\/etc\/ld\.so\.preload|authorized_keys|\/var\/spool\/cron|\/etc\/crontab)/
        $selinux = /(setenforce\s+0|SELINUX=disabled)/
        $firewall = /(ufw\s+disable|iptables\s+-F|systemctl\s+(stop|disable)\s+(firewalld|apparmor|ufw)|service\s+(apparmor|iptables)\s+stop)/
        $nmi = /(kernel\.nmi_watchdog\s{0,2}=\s{0,2}0|echo\s+["']?0["']?\s{0,2}>\s{0,2}\/proc\/sys\/kernel\/nmi_watchdog)/
        $fetch = /\b(curl|wget)\s[^\n]{4,200}https?:\/\//
    condition:
        script_or_short and $unlock and $fetch and any of ($selinux, $firewall, $nmi)
}

rule Dropper_Authorized_Key
{
    meta:
        description = "script that plants an SSH key and locks it in"
        reason = "appends a literal public key to authorized_keys and makes the file immutable, or downloads more"
        reference = "https://attack.mitre.org/techniques/T1098/004/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $key = /echo\s+["'\\n]{0,4}(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp256)\s+AAAA[A-Za-z0-9+\/]{40,800}[^\n]{0,120}>{1,2}\s{0,4}["']?[^\n"']{0,60}\.ssh\/authorized_keys/
        $lock = /chattr\s+\+[ia]{1,3}\s+[^\n]{0,60}authorized_keys/
        $pipe = /\b(curl|wget)\s[^\n|]{4,200}\|\s{0,4}(\/bin\/)?(ba|da)?sh\b/
    condition:
        script_or_short and $key and any of ($lock, $pipe)
}

rule Dropper_Python_Packed_Exec
{
    meta:
        description = "Python script that executes a packed literal"
        reason = "exec of what is decoded and decompressed out of a literal of 200 characters and more"
        reference = "https://attack.mitre.org/techniques/T1027/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $exec = /\bexec\s{0,4}\(\s{0,4}(compile\s{0,4}\(\s{0,4})?(((zlib|lzma|bz2|gzip)\.decompress|marshal\.loads|base64\.b(64|32|16|85)decode|codecs\.decode|bytes\.fromhex)\s{0,4}\(\s{0,4}){2,5}b?["'][^"'\n]{200}/
        $import = /\b__import__\(\s{0,2}["'](base64|zlib|marshal)["']\s{0,2}\)\.[a-z0-9]{4,12}\(\s{0,2}(__import__\(\s{0,2}["'](base64|zlib|codecs)["']\s{0,2}\)\.[a-z0-9]{4,12}\(\s{0,2}){0,3}b?["'][^"'\n]{200}/
        $lambda = /exec\s{0,4}\(\s{0,4}\(_\)\s{0,4}\(\s{0,4}b["'][^"'\n]{200}/
        $word = /\bexec\b/
    condition:
        filesize < 8MB and ($exec or $lambda or ($import and $word))
}

rule Dropper_Memfd_Script
{
    meta:
        description = "script that runs a program from anonymous memory"
        reason = "calls memfd_create by number from a script and executes through /proc/self/fd, so that no file is left"
        reference = "https://attack.mitre.org/techniques/T1620/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $perl = /syscall\s{0,2}\(\s{0,2}319\s{0,2},/
        $python = /\.syscall\s{0,2}\(\s{0,2}319\s{0,2},/
        $fd = /\/proc\/(self|\$\$|\$pid|%d|\{\w{1,12}\})\/fd\//
        $exec = /\b(exec|execve|execl|execv|Popen|system)\b/
    condition:
        script_or_short and $fd and $exec and any of ($perl, $python)
}

rule Dropper_Setuid_Shell
{
    meta:
        description = "script that leaves a shell with the owner's rights"
        reason = "copies a shell and sets its set-user-ID bit"
        reference = "https://attack.mitre.org/techniques/T1548/001/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $copy = /\bcp\s+(-\w{1,4}\s+)?(\/usr)?\/bin\/(ba|da|z)?sh\s+([^\s;&|]{2,60})\s{0,4}(;|&&|\n)[^\n]{0,80}\n?[^\n]{0,40}chmod\s+([0-7]?[4-7][0-7]{3}|u?g?\+[xr]{0,2}s[xr]{0,2}|a\+s)\s/
    condition:
        script_or_short and $copy
}

rule Backdoor_Perl_IRC_Bot
{
    meta:
        description = "Perl IRC bot (ShellBot)"
        reason = "an IRC client that takes orders for port scans and floods from a list of masters"
        reference = "https://attack.mitre.org/techniques/T1071/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $irc = "PRIVMSG"
        $nick = /\bNICK\b/
        $socket = "IO::Socket::INET"
        $a = /my\s{0,4}@(adms|mast3rs|admin|auth|canais|hostauth)\b/
        $b = /my\s{0,4}\$(processo|fakeproc|linas_max|servidor|ircserver)\b/
        $c = /[!@]?(portscan|udpflood|tcpflood|httpflood|synflood|udp1|udp2)\b/
        $d = /\$0\s{0,2}=\s{0,2}["']?\$?(processo|fakeproc)?["']?\s{0,2}\.\s{0,2}["']\\0["']\s{0,2}x\s{0,2}16/
    condition:
        filesize < 512KB and $irc and $nick and $socket and 2 of ($a, $b, $c, $d)
}
