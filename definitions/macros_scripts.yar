/* Documents, shortcuts and scripts that fetch and start something on the reader's Windows machine:
 * they pass through Linux mail and file servers. */

rule Macro_OLE_Auto_Start
{
    meta:
        description = "Office document with a macro that starts by itself and runs a program"
        reason = "an OLE file with VBA, an automatic entry point, and two means to fetch or start something"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $vba = { 41 74 74 72 69 62 75 74 00 65 20 56 42 5F 4E 61 6D }
        $auto1 = "AutoOpen" nocase
        $auto2 = "Auto_Open" nocase
        $auto3 = "Document_Open" nocase
        $auto4 = "Workbook_Open" nocase
        $auto5 = "AutoExec" nocase
        $a = "WScript" nocase
        $b = "powershell" nocase
        $c = "URLDownloadToFile" nocase
        $d = "MSXML2" nocase
        $e = "ADODB" nocase
        $f = /cmd(\.exe)?\s{1,2}\/[ck]/ nocase
        $g = "winmgmts:" nocase
        $h = "VirtualAlloc" nocase
        $i = "mshta" nocase
    condition:
        uint32be(0) == 0xd0cf11e0 and filesize < 16MB and $vba and any of ($auto*) and
        2 of ($a, $b, $c, $d, $e, $f, $g, $h, $i)
}

rule Macro_Text_Downloader
{
    meta:
        description = "VBA or VBScript source that downloads and starts a program"
        reason = "an automatic entry point, an HTTP object or URLDownloadToFile, and a shell"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $auto = /\b(Sub\s+(AutoOpen|Auto_Open|Document_Open|Workbook_Open|AutoExec|AutoClose))\b/ nocase
        $fetch1 = "URLDownloadToFile" nocase
        $fetch2 = /CreateObject\s{0,2}\(\s{0,2}["'](MSXML2\.(Server)?XMLHTTP|Microsoft\.XMLHTTP|WinHttp\.WinHttpRequest)/ nocase
        $run1 = /CreateObject\s{0,2}\(\s{0,2}["']WScript\.Shell["']\s{0,2}\)/ nocase
        $run2 = /\bShell\s{0,2}\(?\s{0,2}["'&\w]/ nocase
        $run3 = /ShellExecute/ nocase
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and $auto and any of ($fetch*) and any of ($run*)
}

rule Macro_Excel4_In_Workbook
{
    meta:
        description = "Office Open XML workbook with an Excel 4.0 macro sheet"
        reason = "the archive has an entry below xl/macrosheets; this old macro language is hardly used but to hide"
        reference = "https://techcommunity.microsoft.com/blog/excelblog/excel-4-0-xlm-macros-now-restricted-by-default-for-customer-protection/3057905"
        date = "2026-11-22"
        severity = "medium"
    strings:
        $sheet = { 50 4B 03 04 [26] 78 6C 2F 6D 61 63 72 6F 73 68 65 65 74 73 2F }
        $book = "xl/workbook."
    condition:
        uint32(0) == 0x04034b50 and filesize < 16MB and $sheet and $book
}

rule Macro_Remote_Template
{
    meta:
        description = "Office relationship that loads a template or an object from the network"
        reason = "an external target by http for an attached template, an OLE object or a frame"
        reference = "https://attack.mitre.org/techniques/T1221/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $root = "http://schemas.openxmlformats.org/package/2006/relationships"
        $a = /<Relationship\s[^>]{0,300}relationships\/(attachedTemplate|oleObject|frame)"[^>]{0,300}Target="(mhtml:)?https?:\/\/[^>]{0,400}TargetMode="External"/ nocase
        $b = /<Relationship\s[^>]{0,300}Target="(mhtml:)?https?:\/\/[^>]{0,400}relationships\/(attachedTemplate|oleObject|frame)"/ nocase
    condition:
        filesize < 1MB and $root and any of ($a, $b)
}

rule Script_Follina
{
    meta:
        description = "page or document that calls ms-msdt (Follina, CVE-2022-30190)"
        reason = "the ms-msdt scheme with the parameters that smuggle a command"
        reference = "https://msrc.microsoft.com/blog/2022/05/guidance-for-cve-2022-30190-microsoft-support-diagnostic-tool-vulnerability/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $scheme = "ms-msdt:" nocase
        $a = /IT_(BrowseForFile|RebrowseForFile|LaunchMethod)\s{0,2}=/ nocase
        $b = "PCWDiagnostic" nocase
        $c = /location(\.href)?\s{0,4}=\s{0,4}["']ms-msdt:/ nocase
        $d = "$(" 
    condition:
        filesize < 1MB and $scheme and $a and $b and any of ($c, $d)
}

rule Script_HTA_Runs_Program
{
    meta:
        description = "HTML application that starts a program"
        reason = "an HTA, or a page with VBScript, that runs a command interpreter through WScript.Shell"
        reference = "https://attack.mitre.org/techniques/T1218/005/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $hta = /<hta:application/ nocase
        $vbs = /<script[^>]{0,60}(language\s{0,2}=\s{0,2}["']?(vbscript|jscript)|type\s{0,2}=\s{0,2}["']text\/vbscript)/ nocase
        $shell = /(CreateObject|ActiveXObject)\s{0,2}\(\s{0,2}["'](WScript\.Shell|Shell\.Application)["']\s{0,2}\)/ nocase
        $run = /\.(Run|Exec|ShellExecute)\s{0,2}\(?\s{0,2}["'][^"'\n]{0,60}(powershell|cmd(\.exe)?\s{1,2}\/|mshta|rundll32|regsvr32|certutil|bitsadmin|curl)/ nocase
    condition:
        filesize < 2MB and any of ($hta, $vbs) and $shell and $run
}

rule Script_Windows_Downloader
{
    meta:
        description = "JScript or VBScript that downloads, saves and starts a program"
        reason = "an HTTP object, a stream saved to a file and a shell's Run in one script"
        reference = "https://attack.mitre.org/techniques/T1059/007/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $http = /(ActiveXObject|CreateObject)\s{0,2}\(\s{0,2}["'](MSXML2\.(Server)?XMLHTTP(\.[0-9.]{1,3})?|Microsoft\.XMLHTTP|WinHttp\.WinHttpRequest(\.5\.1)?)["']/ nocase
        $stream = /(ActiveXObject|CreateObject)\s{0,2}\(\s{0,2}["']ADODB\.Stream["']/ nocase
        $save = /\.SaveToFile\b/ nocase
        $shell = /(ActiveXObject|CreateObject)\s{0,2}\(\s{0,2}["'](WScript\.Shell|Shell\.Application)["']/ nocase
        $run = /\.(Run|Exec|ShellExecute)\b/ nocase
    condition:
        filesize < 1MB and uint16(0) != 0x5a4d and uint32(0) != 0x464c457f and all of them
}

rule Script_PowerShell_Encoded
{
    meta:
        description = "PowerShell started with an encoded command and a hidden window"
        reason = "100 base64 characters and more after -EncodedCommand, with options that hide it"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $line = /powershell(\.exe)?["']?\s[^\n]{0,120}\s?-e(n|nc|nco|ncod|ncodedcommand|c)?\s+["']?[A-Za-z0-9+\/]{100}/ nocase ascii wide
        $a = /-w(in|indowstyle)?\s+(h|hidden|1)\b/ nocase ascii wide
        $b = /-nop(rofile)?\b/ nocase ascii wide
        $c = /-ex?e?c?(utionpolicy)?\s+(bypass|unrestricted)\b/ nocase ascii wide
        $d = /-noni(nteractive)?\b/ nocase ascii wide
    condition:
        filesize < 4MB and $line and any of ($a, $b, $c, $d)
}

rule Script_PowerShell_Cradle
{
    meta:
        description = "hidden PowerShell that runs what it downloads"
        reason = "PowerShell with a hidden window or without policy that invokes a downloaded string, on one line"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $a = /powershell(\.exe)?["']?\s[^\n]{0,120}(-w(in|indowstyle)?\s+(h|hidden|1)\b|-nop\b|-ex?e?c?(utionpolicy)?\s+bypass)[^\n]{0,160}(iex|invoke-expression)\b[^\n]{0,80}(downloadstring|invoke-webrequest|iwr|invoke-restmethod|irm)\b[^\n]{0,12}["'(]?\s?["'(]?https?:\/\// nocase ascii wide
        $b = /powershell(\.exe)?["']?\s[^\n]{0,120}(-w(in|indowstyle)?\s+(h|hidden|1)\b|-nop\b|-ex?e?c?(utionpolicy)?\s+bypass)[^\n]{0,160}(downloadstring|invoke-webrequest|iwr|invoke-restmethod|irm)\b[^\n]{0,12}["'(]{0,2}https?:\/\/[^\n]{3,200}\|\s{0,2}(iex|invoke-expression)\b/ nocase ascii wide
    condition:
        filesize < 64KB and uint32(0) != 0x464c457f and any of them
}

rule Script_Batch_Living_Off_Land
{
    meta:
        description = "batch file that downloads with certutil or bitsadmin and starts the result"
        reason = "a system tool that is not meant for downloads fetches a program which is then started"
        reference = "https://lolbas-project.github.io/lolbas/Binaries/Certutil/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $echo = /@echo\s+off/ nocase
        $certutil = /certutil(\.exe)?\s[^\n]{0,60}-urlcache\s[^\n]{0,40}https?:\/\/[^\s]{4,200}\s+["']?([^\s"']{3,80}\.(exe|dll|ps1|vbs|js|scr|bat))/ nocase
        $bits = /bitsadmin(\.exe)?\s[^\n]{0,80}\/transfer\s[^\n]{0,100}https?:\/\/[^\s]{4,200}\s+["']?([^\s"']{3,80}\.(exe|dll|ps1|vbs|js|scr|bat))/ nocase
        $start = /(^|\n|&)\s{0,8}(start\s|call\s|rundll32|regsvr32|wscript|cscript|powershell|%temp%|%appdata%|cmd\s\/c)/ nocase
    condition:
        filesize < 256KB and $echo in (0..1024) and any of ($certutil, $bits) and $start
}

rule Shortcut_Runs_Interpreter
{
    meta:
        description = "Windows shortcut that starts an interpreter on something from the network"
        reason = "a shortcut whose arguments call PowerShell, mshta, cmd or rundll32 with an address or an encoded command"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $a = "powershell" nocase ascii wide
        $b = "mshta" nocase ascii wide
        $c = "cmd.exe" nocase ascii wide
        $d = "rundll32" nocase ascii wide
        $e = "wscript" nocase ascii wide
        $url = /https?:\/\/[\w.-]{4,80}\/[^\s"']{1,120}/ nocase wide
        $encoded = /-e(nc|ncodedcommand|c)?\s+["']?[A-Za-z0-9+\/]{60}/ nocase wide
        $iex = /\b(iex|invoke-expression|downloadstring|downloadfile)\b/ nocase wide
        $dav = /\\\\[\w.-]{4,60}@(ssl|80|443)\\/ nocase wide
    condition:
        uint32(0) == 0x4c and uint32be(4) == 0x01140200 and filesize < 8MB and
        any of ($a, $b, $c, $d, $e) and any of ($url, $encoded, $iex, $dav)
}

rule Shortcut_Carries_Program
{
    meta:
        description = "Windows shortcut with a program or a script appended"
        reason = "a shortcut of more than 20 KB that starts an interpreter and holds a PE file or an HTA"
        reference = "https://attack.mitre.org/techniques/T1027/012/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $pe = "This program cannot be run in DOS mode"
        $hta = /<script|<hta:application/ nocase
        $a = "powershell" nocase ascii wide
        $b = "mshta" nocase ascii wide
        $c = "cmd.exe" nocase ascii wide
    condition:
        uint32(0) == 0x4c and uint32be(4) == 0x01140200 and filesize > 20KB and
        any of ($pe, $hta) and any of ($a, $b, $c)
}

rule Document_RTF_Equation
{
    meta:
        description = "RTF with an object for the Equation Editor (CVE-2017-11882)"
        reason = "an embedded object of class Equation.3, in hexadecimal, that is updated on opening"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-11882"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $data = "\\objdata" nocase
        $class = "4571756174696f6e2e33" nocase
        $clsid = "02ce020000000000c000000000000046" nocase
        $update = "\\objupdate" nocase
        $embed = "\\objemb" nocase
    condition:
        uint32be(0) == 0x7b5c7274 and filesize < 16MB and $data and any of ($class, $clsid) and
        any of ($update, $embed)
}

rule Document_DDE_Command
{
    meta:
        description = "document field that starts a command through DDE"
        reason = "a DDE field whose application is a command interpreter"
        reference = "https://attack.mitre.org/techniques/T1559/002/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $field = /\bDDE(AUTO)?\s{1,4}["']?[^"'<\n]{0,80}(cmd(\.exe)?|powershell(\.exe)?|mshta(\.exe)?)["']?\s[^<\n]{0,20}(\/[ck]\s|-|http)/ nocase
        $cell = /[=+@-]cmd\|\s?['"]\s?\/[ck]\s[^\n]{4,200}['"]![A-Z]{1,3}\d{1,4}/ nocase
        $guide = "injection" nocase
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and any of ($field, $cell) and not $guide
}

rule Document_OneNote_Script
{
    meta:
        description = "OneNote section with an embedded script"
        reason = "a OneNote file whose attached data begins as a script, a batch file or an HTA"
        reference = "https://www.proofpoint.com/us/blog/threat-insight/onenote-documents-increasingly-used-to-deliver-malware"
        date = "2026-11-22"
        severity = "high"
    strings:
        /* FileDataStoreObject GUID, length, 12 bytes, then the data */
        $hta = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20-24] 3C ( 73 | 53 | 68 | 48 | 21 ) }
        $batch = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20-24] 40 ( 65 | 45 ) ( 63 | 43 ) ( 68 | 48 ) ( 6F | 4F ) }
        $lnk = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20-24] 4C 00 00 00 01 14 02 00 }
        $pe = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20-24] 4D 5A 90 00 }
        $wsh = /WScript\.Shell|<script|<hta:application/ nocase
    condition:
        uint32be(0) == 0xe4525c7b and uint32be(4) == 0x8cd8a74d and
        (any of ($batch, $lnk, $pe) or ($hta and $wsh))
}

rule Document_PDF_Launches_Command
{
    meta:
        description = "PDF that starts a command when it is opened"
        reason = "a launch action with a command interpreter"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $launch = /\/S\s{0,4}\/Launch\b/
        $command = /\/F\s{0,4}\(\s{0,4}[^)]{0,60}(cmd(\.exe)?|powershell(\.exe)?|mshta(\.exe)?)\s{0,2}\)/ nocase
        $open = /\/(OpenAction|AA)\b/
    condition:
        uint32be(0) == 0x25504446 and filesize < 32MB and all of them
}

rule Page_HTML_Smuggling
{
    meta:
        description = "HTML page that assembles an archive or a program and saves it"
        reason = "a base64 literal that begins as a ZIP, ISO, RAR or PE file is turned into a blob that is saved by a simulated click"
        reference = "https://attack.mitre.org/techniques/T1027/006/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $data = /["'`](UEsDB[A-Za-z0-9+\/]|TVqQAA|TVpQAA|UmFyIRo|N3q8ry)[A-Za-z0-9+\/]{200}/
        $atob = /\batob\s{0,2}\(/
        $blob = /new\s+Blob\s{0,2}\(/
        $url = /(createObjectURL|msSaveOrOpenBlob|msSaveBlob)\s{0,2}\(/
        $click = /\.(click\s{0,2}\(\s{0,2}\)|dispatchEvent\s{0,2}\()/
        $page = /<(html|script|body)/ nocase
    condition:
        filesize < 16MB and all of them
}
