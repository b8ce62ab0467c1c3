/* Shells that call out to whoever waits for them. Guides about them are not shells: a rule takes a
 * script (a file with an interpreter line), or something too short to be a guide. */

private rule script_or_snippet
{
    condition:
        filesize < 256KB and (uint16(0) == 0x2123 or filesize < 700)
}

private rule small_elf_or_blob
{
    condition:
        (uint32(0) == 0x464c457f and filesize < 64KB) or filesize < 4KB
}

rule Reverse_Shell_Bash_Dev_Tcp
{
    meta:
        description = "interactive shell redirected to /dev/tcp"
        reason = "bash -i with output and input tied to a network pseudo device has one use"
        reference = "https://www.gnu.org/software/bash/manual/html_node/Redirections.html"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $direct = /\b(ba|z|k)?sh\s+-[il]{1,2}\s{0,4}(>&|&>|>|<>)\s{0,4}\/dev\/(tcp|udp)\/[^\s\/]{1,80}\/[^\s\/]{1,12}\s{1,4}0?(>&|<&)\s{0,2}[01]?/
        $descriptor = /exec\s+\d{1,3}<>\s{0,2}\/dev\/(tcp|udp)\/[^\s\/]{1,80}\/[^\s\/]{1,12}/
        $loop = /while\s+read\s+(-r\s+)?\w{1,12}[^\n]{0,8}(;|\n)\s{0,8}do\s[^\n]{0,40}2>&\d{1,3}\s{0,4}>&\d{1,3}/
        $shell = /\bsh\s{1,4}(-i\s)?<&\d{1,3}\s{1,4}>&\d{1,3}\s{1,4}2>&\d{1,3}/
    condition:
        script_or_snippet and ($direct or ($descriptor and ($loop or $shell)))
}

rule Reverse_Shell_Python
{
    meta:
        description = "Python reverse shell"
        reason = "a connected socket is copied over standard input, output and error, then a shell is started"
        reference = "https://attack.mitre.org/techniques/T1059/006/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $connect = /\.connect\(\s{0,4}\(/
        $in = /dup2\(\s{0,4}\w{1,16}\.fileno\(\)\s{0,4},\s{0,4}0\s{0,4}\)/
        $out = /dup2\(\s{0,4}\w{1,16}\.fileno\(\)\s{0,4},\s{0,4}1\s{0,4}\)/
        $each = /for\s+\w{1,8}\s+in\s+[(\[]\s{0,2}0\s{0,2},\s{0,2}1\s{0,2},\s{0,2}2\s{0,2}[)\]]/
        $each_out = /\[\s{0,2}os\.dup2\(\s{0,4}\w{1,16}\.fileno\(\)/
        $spawn = /(pty\.spawn|subprocess\.(call|run|Popen))\(\s{0,4}\[?\s{0,4}["']\/?(usr\/)?(bin\/)?(ba)?sh["']/
    condition:
        filesize < 256KB and $connect and $spawn and (($in and $out) or ($each and $each_out))
}

rule Reverse_Shell_Perl
{
    meta:
        description = "Perl reverse shell"
        reason = "standard input and output are reopened on a socket and an interactive shell is executed"
        reference = "https://attack.mitre.org/techniques/T1059/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $in = /open\s{0,4}\(\s{0,4}STDIN\s{0,4},\s{0,4}["'][<>+]{1,2}&\s{0,2}\$?\w{1,12}["']\s{0,4}\)/
        $out = /open\s{0,4}\(\s{0,4}STDOUT\s{0,4},\s{0,4}["'][<>+]{1,2}&\s{0,2}\$?\w{1,12}["']\s{0,4}\)/
        $shell = /(exec|system)\s{0,4}[({]{0,2}\s{0,4}["']\/bin\/(ba)?sh\s{1,4}-i/
        $socket = /\b(PF_INET|IO::Socket::INET)\b/
    condition:
        filesize < 256KB and all of them
}

rule Reverse_Shell_Ruby
{
    meta:
        description = "Ruby reverse shell"
        reason = "a shell is executed on the number of a TCP socket, or runs what a TCP socket sends"
        reference = "https://attack.mitre.org/techniques/T1059/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $socket = /TCPSocket\.(open|new)\s{0,4}\(/
        $exec = /exec\s+sprintf\s{0,4}\(\s{0,4}["']\/bin\/(ba)?sh\s+-i\s+<&%d\s+>&%d\s+2>&%d/
        $loop = /while\s{0,4}\(?\s{0,4}cmd\s{0,4}=\s{0,4}\w{1,8}\.gets\s{0,4}\)?[^\n]{0,20}IO\.popen\(\s{0,4}cmd/
    condition:
        filesize < 256KB and $socket and any of ($exec, $loop)
}

rule Reverse_Shell_Netcat_Fifo
{
    meta:
        description = "netcat reverse shell through a named pipe"
        reason = "mkfifo, an interactive shell reading it, and netcat writing to it, in one line"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $line = /mk(fifo|nod)\s+[^\n]{1,120}(cat|<)\s{0,4}[^\n]{1,60}\b(ba)?sh\s+-i\s{0,4}[^\n]{0,20}\|\s{0,4}(\/\S{1,24}\/)?(nc|ncat|netcat|busybox\s+nc|telnet|openssl\s+s_client)\s/
    condition:
        script_or_snippet and $line
}

rule Reverse_Shell_Netcat_Exec
{
    meta:
        description = "netcat with a shell behind it"
        reason = "netcat is told to execute a shell on a connection to a given host and port"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $before = /(^|[\s;&|\/"'`(])(nc|ncat|netcat)(\.traditional)?\s+(-[a-z]{1,6}\s+)?-[a-z]{0,4}[ec]\s+["']?\/bin\/(ba|da)?sh["']?\s+[A-Za-z0-9.:$_{}-]{3,60}\s+[0-9$]/
        $after = /(^|[\s;&|\/"'`(])(nc|ncat|netcat)(\.traditional)?\s+(-[a-z]{1,6}\s+)?[A-Za-z0-9.:$_{}-]{3,60}\s+\d{2,5}\s+(-[a-z]{1,6}\s+)?-[a-z]{0,4}[ec]\s+["']?\/bin\/(ba|da)?sh\b/
    condition:
        script_or_snippet and any of them
}

rule Reverse_Shell_Socat
{
    meta:
        description = "socat reverse shell"
        reason = "socat ties a login or interactive shell to an outgoing connection"
        reference = "https://gtfobins.github.io/gtfobins/socat/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = /\bsocat\s[^\n]{0,80}(tcp[46]?(-connect)?|openssl(-connect)?):[^\s,]{3,80}:\d{1,5}[^\n]{0,80}\bexec:["']?(\/bin\/)?(ba|da)?sh\b/ nocase
        $b = /\bsocat\s[^\n]{0,80}\bexec:["']?(\/bin\/)?(ba|da)?sh\b[^\n]{0,80}(tcp[46]?(-connect)?|openssl(-connect)?):[^\s,]{3,80}:\d{1,5}/ nocase
    condition:
        script_or_snippet and any of them
}

rule Reverse_Shell_PHP_Socket
{
    meta:
        description = "PHP reverse shell over fsockopen"
        reason = "an interactive shell is started by proc_open or exec on a socket that the page opened itself"
        reference = "https://github.com/pentestmonkey/php-reverse-shell"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $tag = /<\?(php|=|\s)/ nocase
        $socket = /\bfsockopen\s{0,4}\(/
        $open = /\bproc_open\s{0,4}\(/
        $shell = /\/bin\/(ba)?sh\s+-i/
        $exec = /\b(exec|shell_exec|system|passthru|popen)\s{0,4}\(\s{0,4}["']\/bin\/(ba)?sh\s+-i\s+<&\d\s+>&\d\s+2>&\d/
    condition:
        filesize < 256KB and $tag and $socket and ($exec or ($open and $shell))
}

rule Reverse_Shell_Awk
{
    meta:
        description = "gawk reverse shell"
        reason = "what arrives on /inet/tcp is run as a command and the output is sent back"
        reference = "https://gtfobins.github.io/gtfobins/gawk/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $inet = /\/inet\/tcp\/0\/[^\/\s"]{3,60}\/\d{1,5}/
        $run = /while\s{0,4}\(\s{0,4}\(?\s{0,4}(\w{1,12})\s{0,4}\|&?\s{0,4}getline\s{0,4}(\w{1,12})?\s{0,4}\)?\s{0,4}(>\s{0,4}0)?\s{0,4}\)/
        $back = /print\s+(\$0|\w{1,12})\s{0,4}\|&\s{0,4}\w{1,12}/
        $read = /\|&\s{0,4}getline\s+(c|cmd|command)\b/
    condition:
        script_or_snippet and all of them
}

rule Reverse_Shell_Lua
{
    meta:
        description = "Lua reverse shell"
        reason = "a TCP socket is connected and a shell is run on its descriptor or on what it sends"
        reference = "https://gtfobins.github.io/gtfobins/lua/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $socket = /require\s{0,4}\(?\s{0,4}["']socket["']/
        $exec = /os\.execute\s{0,4}\(\s{0,4}["']\/bin\/(ba)?sh\s+-i\s+<&\d/
        $receive = /(\w{1,8})\s{0,4}[:.]\s{0,4}receive\s{0,4}\(/
        $popen = /io\.popen\s{0,4}\(\s{0,4}\w{1,12}\s{0,4},\s{0,4}["']r["']\s{0,4}\)/
        $send = /[:.]\s{0,4}send\s{0,4}\(/
        $connect = /[:.]\s{0,4}connect\s{0,4}\(\s{0,4}["'\w]/
    condition:
        script_or_snippet and $socket and ($exec or ($connect and $receive and $popen and $send))
}

rule Reverse_Shell_Node
{
    meta:
        description = "Node.js reverse shell"
        reason = "a socket is piped into a shell's input and the shell's output back into the socket"
        reference = "https://attack.mitre.org/techniques/T1059/007/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $process = /require\(\s{0,2}["'](node:)?child_process["']\s{0,2}\)/
        $spawn = /spawn\(\s{0,2}["']\/?(bin\/)?(ba)?sh["']|spawn\(\s{0,2}["']cmd(\.exe)?["']/
        $in = /\.pipe\(\s{0,2}(\w{1,12})\.stdin\s{0,2}\)/
        $out = /\.stdout\.pipe\(\s{0,2}(\w{1,12})\s{0,2}\)/
        $net = /require\(\s{0,2}["'](node:)?net["']\s{0,2}\)/
        $connect = /\.(connect|createConnection)\(\s{0,2}\d{2,5}\s{0,2},\s{0,2}["']/
    condition:
        filesize < 128KB and all of them
}

rule Reverse_Shell_PowerShell
{
    meta:
        description = "PowerShell reverse shell"
        reason = "what arrives on a TCP stream is invoked and its output is written back"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $client = /New-Object\s+(System\.)?Net\.Sockets\.TCPClient\s{0,2}\(/ nocase ascii wide
        $stream = ".GetStream()" nocase ascii wide
        $invoke = /\b(iex|Invoke-Expression)\b[^\n]{0,60}2>&1\s{0,4}\|\s{0,4}Out-String/ nocase ascii wide
        $write = /\.Write\(\s{0,2}\$\w{1,20}\s{0,2},\s{0,2}0\s{0,2},/ nocase ascii wide
    condition:
        filesize < 256KB and all of them
}

rule Reverse_Shell_Shellcode_Linux_X64
{
    meta:
        description = "x86-64 Linux connect-back shellcode"
        reason = "socket(AF_INET, SOCK_STREAM) by raw system call, then an address built in a register, or the stager's mmap, read and jump"
        reference = "https://github.com/rapid7/metasploit-framework/tree/master/modules/payloads"
        date = "2026-11-22"
        severity = "critical"
    strings:
        /* push 41; pop rax; cdq; push 2; pop rdi; push 1; pop rsi; syscall; xchg rax, rdi;
         * mov rcx, family and port and address */
        $connect = { 6A 29 58 99 6A 02 5F 6A 01 5E 0F 05 48 97 48 B9 02 00 }
        /* mmap(NULL, 4096, 7, 0x22, 0, 0) by raw system call */
        $stager = { 48 31 FF 6A 09 58 99 B6 10 48 89 D6 4D 31 C9 6A 22 41 5A ( B2 07 | 6A 07 5A ) 0F 05 }
        $stager_short = { 31 FF 6A 09 58 99 B6 10 48 89 D6 4D 31 C9 6A 22 41 5A ( B2 07 | 6A 07 5A ) 0F 05 }
    condition:
        small_elf_or_blob and any of them
}

rule Reverse_Shell_Shellcode_Linux_X86
{
    meta:
        description = "x86 Linux connect-back shellcode"
        reason = "socketcall(SYS_SOCKET) built on the stack, then dup2 in a loop or a stager's mprotect"
        reference = "https://github.com/rapid7/metasploit-framework/tree/master/modules/payloads"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $socket = { 31 DB F7 E3 53 43 53 6A 02 ( B0 66 89 E1 | 89 E1 B0 66 ) CD 80 }
        $dup2 = { ( 59 | 89 D9 | 87 CB | 6A 02 59 ) [0-4] B0 3F CD 80 49 79 F9 }
        $mprotect = { B2 07 B9 00 10 00 00 89 E3 C1 EB 0C C1 E3 0C B0 7D CD 80 }
    condition:
        small_elf_or_blob and $socket and any of ($dup2, $mprotect)
}
