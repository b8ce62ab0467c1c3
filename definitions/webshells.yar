/* Scripts left on a web server that run what a visitor sends. Each rule asks for the language's
 * tag and for input of the request flowing into an interpreter: code that only has both words
 * somewhere does not match. */

private rule php_page
{
    strings:
        $tag = /<\?(php|=|\s)/ nocase
    condition:
        filesize < 2MB and $tag
}

private rule asp_page
{
    strings:
        $tag = "<%"
        $script = /<script\s[^>]{0,60}runat\s*=/ nocase
    condition:
        filesize < 2MB and any of them
}

rule Webshell_PHP_Eval_Request
{
    meta:
        description = "PHP page that evaluates code from the request"
        reason = "eval or assert is called directly on a request variable, decoded or not"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /\b(eval|assert)\s{0,8}\(\s{0,8}@?((base64_decode|stripslashes|gzinflate|str_rot13|urldecode|trim)\s{0,8}\(\s{0,8}@?){0,3}\$_(POST|GET|REQUEST|COOKIE|SERVER)\s{0,8}[\[{]/ nocase
    condition:
        php_page and $call
}

rule Webshell_PHP_Command_Request
{
    meta:
        description = "PHP page that runs a command from the request"
        reason = "a function that starts a program is called directly on a request variable"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /\b(system|passthru|shell_exec|exec|popen|proc_open|pcntl_exec)\s{0,8}\(\s{0,8}@?((base64_decode|stripslashes|urldecode|trim)\s{0,8}\(\s{0,8}@?){0,2}\$_(POST|GET|REQUEST|COOKIE)\s{0,8}[\[{]/ nocase
        $method = /(->|::|function\s)\s{0,8}(system|passthru|shell_exec|exec|popen)\s{0,8}\(\s{0,8}\$_/ nocase
    condition:
        php_page and #call > #method
}

rule Webshell_PHP_Backtick_Request
{
    meta:
        description = "PHP page that runs a request variable in backticks"
        reason = "backticks run a shell; nothing but a request variable is between them"
        reference = "https://www.php.net/manual/en/language.operators.execution.php"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /([=;(]|\b(echo|print|return))\s{0,8}`\s{0,8}[{$]{1,3}_(POST|GET|REQUEST|COOKIE)\s{0,8}\[[^\]`]{1,40}\]\s{0,4}\}?\s{0,8}`/ nocase
    condition:
        php_page and $call
}

rule Webshell_PHP_Packed_Eval
{
    meta:
        description = "PHP page that evaluates a packed blob"
        reason = "eval of an inflated or decoded literal of 200 characters and more, which is how shells hide"
        reference = "https://www.cisa.gov/news-events/alerts/2015/11/10/compromised-web-servers-and-web-shells-threat-awareness-and-guidance"
        date = "2026-11-22"
        severity = "high"
    strings:
        $call = /\beval\s{0,8}\(\s{0,8}(["']\?>["']\s{0,4}\.\s{0,4})?((gzinflate|gzuncompress|gzdecode|str_rot13|strrev|rawurldecode|base64_decode)\s{0,8}\(\s{0,8}){2,6}["'][A-Za-z0-9+\/=]{200}/ nocase
    condition:
        php_page and $call
}

rule Webshell_PHP_Variable_Function
{
    meta:
        description = "PHP page that calls a function named by the request"
        reason = "one request variable is called as a function with another as its argument"
        reference = "https://www.php.net/manual/en/functions.variable-functions.php"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /\$_(GET|POST|REQUEST|COOKIE)\s{0,8}\[[^\]]{1,32}\]\s{0,8}\(\s{0,8}@?\$_(GET|POST|REQUEST|COOKIE)\s{0,8}\[/ nocase
    condition:
        php_page and $call
}

rule Webshell_PHP_Callback
{
    meta:
        description = "PHP page that hands a request variable to a callback that evaluates it"
        reason = "assert, eval or system is named as the callback of an array or shutdown function fed from the request"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /\b(array_map|array_filter|usort|uasort|uksort|array_walk|call_user_func(_array)?|register_shutdown_function)\s{0,8}\([^;]{0,40}["'](assert|eval|system|passthru|shell_exec|exec)["'][^;]{0,40}\$_(GET|POST|REQUEST|COOKIE)\s{0,8}\[/ nocase
        $reverse = /\b(array_map|array_filter|usort|uasort|array_walk)\s{0,8}\([^;]{0,20}\$_(GET|POST|REQUEST|COOKIE)\s{0,8}\[[^;]{0,40}["'](assert|eval|system|passthru|shell_exec|exec)["']/ nocase
    condition:
        php_page and any of them
}

rule Webshell_PHP_Preg_Replace_Eval
{
    meta:
        description = "PHP page that evaluates the request through preg_replace /e"
        reason = "the e modifier evaluates the replacement, and the replacement is a request variable"
        reference = "https://www.php.net/manual/en/reference.pcre.pattern.modifiers.php"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /\bpreg_replace\s{0,8}\(\s{0,8}["']([\/#~|])[^"']{0,60}[\/#~|][imsxu]{0,4}e[imsxu]{0,4}["']\s{0,8},\s{0,8}@?(\w{3,20}\s{0,4}\(\s{0,4})?\$_(POST|GET|REQUEST|COOKIE)\s{0,8}\[/ nocase
    condition:
        php_page and $call
}

rule Webshell_PHP_Create_Function
{
    meta:
        description = "PHP page that compiles a function out of the request"
        reason = "create_function is given a request variable as its body"
        reference = "https://www.php.net/manual/en/function.create-function.php"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /\bcreate_function\s{0,8}\(\s{0,8}["'][^"']{0,40}["']\s{0,8},\s{0,8}@?((base64_decode|stripslashes)\s{0,4}\(\s{0,4})?\$_(POST|GET|REQUEST|COOKIE)\s{0,8}\[/ nocase
    condition:
        php_page and $call
}

rule Webshell_PHP_WSO
{
    meta:
        description = "WSO (Web Shell by oRb)"
        reason = "function names and settings of the WSO web shell's published source"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "function wsoLogin" nocase
        $b = "function wsoSecParam" nocase
        $c = "function wsoHeader" nocase
        $d = "WSOsetcookie" nocase
        $e = "define('WSO_VERSION'" nocase
        $f = "function actionSecInfo" nocase
    condition:
        php_page and 2 of them
}

rule Webshell_PHP_C99_R57
{
    meta:
        description = "c99 or r57 web shell"
        reason = "function names that only these two shells and their copies define"
        reference = "https://www.cisa.gov/news-events/alerts/2015/11/10/compromised-web-servers-and-web-shells-threat-awareness-and-guidance"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "function c99sh_getupdate"
        $b = "function c99_buff_prepare"
        $c = "function c99fsearch"
        $d = "function c99shexit"
        $e = "$c99sh_updatefurl"
        $f = "r57shell.php" nocase
        $g = "$_POST['cmd']==\"ftp_brute\""
        $h = "function ws_strips"
        $i = "$r57_pwd"
    condition:
        php_page and 2 of them
}

rule Webshell_PHP_B374k
{
    meta:
        description = "b374k web shell"
        reason = "the shell's name beside its own global settings or packer"
        reference = "https://github.com/b374k/b374k"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $name = "b374k" nocase
        $a = "$GLOBALS['pass'] = \""
        $b = "$func=\"cr\".\"eat\".\"e_fun\".\"cti\".\"on\""
        $c = "function packer_b374k" nocase
        $d = "$GLOBALS['module_to_load']"
        $e = "b374k_config" nocase
    condition:
        php_page and $name and any of ($a, $b, $c, $d, $e)
}

rule Webshell_PHP_Weevely
{
    meta:
        description = "Weevely agent"
        reason = "the agent's key, header and footer variables and its XOR function stand together"
        reference = "https://github.com/epinna/weevely3"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $keys = /\$k\s?=\s?"[0-9a-f]{8}";\s{0,4}\$kh\s?=\s?"[0-9a-f]{12}";\s{0,4}\$kf\s?=\s?"[0-9a-f]{12}";/
        $input = "php://input"
    condition:
        php_page and $keys and $input
}

rule Webshell_PHP_Behinder
{
    meta:
        description = "Behinder (Rebeyond) PHP server"
        reason = "AES with the session key, or the default key, on the raw request body, then eval"
        reference = "https://github.com/rebeyond/Behinder"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $key = "e45e329feb5d925b"
        $input = "file_get_contents(\"php://input\")" nocase
        $aes = /openssl_decrypt\s{0,4}\(\s{0,4}\$\w{1,12}\s{0,4},\s{0,4}"AES128"/ nocase
        $split = "explode('|',$post)"
        $invoke = /function\s+__(invoke|construct)\s{0,4}\(\s{0,4}\$p\s{0,4}\)\s{0,4}\{\s{0,4}@?eval\s{0,4}\(/ nocase
    condition:
        php_page and $input and 2 of ($key, $aes, $split, $invoke)
}

rule Webshell_ASP_Eval_Request
{
    meta:
        description = "ASP or ASPX page that evaluates the request (China Chopper and its kin)"
        reason = "eval or execute is called directly on the request inside a server tag"
        reference = "https://attack.mitre.org/software/S0020/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $call = /\b(eval|execute|executeglobal)\s{0,8}\(?\s{0,8}\(?request(\.(item|form|querystring))?\s{0,4}[\[(]\s{0,4}["']/ nocase
    condition:
        asp_page and $call
}

rule Webshell_ASPX_Command
{
    meta:
        description = "ASPX page that runs a command from the request"
        reason = "cmd.exe is started with arguments that the request supplies, and its output is written back"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $page = /<%@\s{0,4}Page\s/ nocase
        $start = "ProcessStartInfo" nocase
        $shell = /FileName\s{0,4}=\s{0,4}@?"(cmd|cmd\.exe|c:\\+windows\\+system32\\+cmd\.exe|powershell(\.exe)?)"/ nocase
        $arguments = /\.Arguments\s{0,4}=\s{0,4}"\/c\s{0,2}"\s{0,4}\+/ nocase
        $output = ".StandardOutput" nocase
    condition:
        filesize < 1MB and all of them
}

rule Webshell_JSP_Command
{
    meta:
        description = "JSP page that runs a command from the request"
        reason = "Runtime.exec or ProcessBuilder is called directly on a request parameter"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $exec = /getRuntime\s{0,4}\(\s{0,4}\)\s{0,4}\.\s{0,4}exec\s{0,4}\(\s{0,4}(new\s+String\[\]\s{0,4}\{[^}]{0,60})?request\s{0,4}\.\s{0,4}getParameter\s{0,4}\(/
        $builder = /new\s+ProcessBuilder\s{0,4}\([^;]{0,80}request\s{0,4}\.\s{0,4}getParameter\s{0,4}\(/
    condition:
        asp_page and any of them
}

rule Webshell_JSP_Class_Loader
{
    meta:
        description = "JSP page that loads classes from the request (Behinder, Godzilla)"
        reason = "a class loader inside the page defines a class out of what was decrypted from the request"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $loader = /class\s+\w{1,12}\s+extends\s+ClassLoader/
        $define = /super\s{0,4}\.\s{0,4}defineClass\s{0,4}\(/
        $cipher = /Cipher\s{0,4}\.\s{0,4}getInstance\s{0,4}\(\s{0,4}"AES/
        $request = /request\s{0,4}\.\s{0,4}(getReader|getParameter|getInputStream)\s{0,4}\(/
        $run = /\.(equals|newInstance)\s{0,4}\(/
        $godzilla = "3c6e0b8a9c15224a"
    condition:
        asp_page and $loader and $define and $run and ($godzilla or ($cipher and $request))
}
