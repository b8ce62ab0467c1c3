/* Coin miners where they were not asked for. Miners are ordinary programs too: these rules look
 * for a wallet of someone's and a pool, or for what only intruders do around them. */

private rule elf
{
    condition:
        uint32(0) == 0x464c457f
}

rule Miner_Configuration_With_Wallet
{
    meta:
        description = "XMRig configuration with a Monero wallet"
        reason = "a miner's JSON settings in which the pool's user is a real Monero address"
        reference = "https://xmrig.com/docs/miner/config"
        date = "2026-11-22"
        severity = "high"
    strings:
        $pools = /"pools"\s{0,8}:\s{0,8}\[/
        $url = /"url"\s{0,4}:\s{0,4}"[^"\n]{4,120}:\d{2,5}"/
        $user = /"user"\s{0,4}:\s{0,4}"[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
        $level = "\"donate-level\""
        $algo = /"(algo|coin|randomx|cpu)"\s{0,4}:/
    condition:
        filesize < 128KB and $pools and $url and $user and any of ($level, $algo)
}

rule Miner_Started_By_Script
{
    meta:
        description = "script or service unit that starts a Monero miner"
        reason = "a mining pool and a Monero wallet on one command line"
        reference = "https://attack.mitre.org/techniques/T1496/"
        date = "2026-11-22"
        severity = "high"
    strings:
        $pool = /(stratum\+(tcp|ssl|tls):\/\/[^\s"']{4,100}|(-o|--url)[ =]["']?[A-Za-z0-9.-]{4,80}:\d{2,5})/
        $wallet = /(-u|--user)[ =]["']?[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
        $unit = "[Service]"
    condition:
        filesize < 256KB and $pool and $wallet and
        (uint16(0) == 0x2123 or $unit or filesize < 4KB)
}

rule Miner_ELF_With_Wallet
{
    meta:
        description = "program with a mining pool and a Monero wallet built in"
        reason = "honest miners take the wallet from their owner; a fixed one beside miner settings is someone else's"
        reference = "https://attack.mitre.org/techniques/T1496/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $wallet = /(-u |--user[= ]|"user":\s{0,2}"|(tcp|ssl):\/\/)[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
        $a = "stratum+tcp://"
        $b = "stratum+ssl://"
        $c = "donate-level"
        $d = "cryptonight"
        $e = "randomx"
    condition:
        elf and filesize < 32MB and $wallet and 2 of ($a, $b, $c, $d, $e)
}

rule Miner_Kills_Competitors
{
    meta:
        description = "script that kills other people's miners"
        reason = "kills or removes at least five processes whose names are known from miner intrusions"
        reference = "https://www.trendmicro.com/en_us/research/20/i/war-of-linux-cryptocurrency-miners-a-battle-for-resources.html"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $kill = /\b(pkill|killall|kill\s+-9|xargs\s+(-I\s?%\s+)?kill)\b/
        $a = "kdevtmpfsi"
        $b = "kinsing"
        $c = /\bxmrig\b/
        $d = /\bminerd\b/
        $e = "cryptonight"
        $f = "networkservice"
        $g = "sysupdate"
        $h = /\bsustes\b/
        $i = "watchbog"
        $j = /\bddgs\b/
        $k = "qW3xT"
        $l = "kthreaddk"
        $m = /\bsysrv\d{0,3}\b/
        $n = /\bkworkerds\b/
        $o = "xmr-stak"
        $p = "/tmp/java"
        $q = "stratum"
    condition:
        filesize < 512KB and uint16(0) == 0x2123 and #kill > 4 and
        5 of ($a, $b, $c, $d, $e, $f, $g, $h, $i, $j, $k, $l, $m, $n, $o, $p, $q)
}

rule Miner_Kinsing
{
    meta:
        description = "Kinsing malware"
        reason = "names of Go functions that only this program has"
        reference = "https://attack.mitre.org/software/S0599/"
        date = "2026-11-22"
        severity = "critical"
    strings:
        $a = "main.getMinerPid"
        $b = "main.minerRunningCheck"
        $c = "main.isMinerRunning"
        $d = "main.runTaskWithScan"
        $e = "main.redisBrute"
        $f = "main.masscan"
        $g = "kdevtmpfsi"
    condition:
        elf and 3 of them
}

rule Miner_Hidden_In_Web_Page
{
    meta:
        description = "web page that mines in the visitor's browser"
        reason = "starts one of the known browser miners with a site key"
        reference = "https://www.cisa.gov/news-events/news/defending-against-illicit-cryptocurrency-mining-activity"
        date = "2026-11-22"
        severity = "medium"
    strings:
        $start = /new\s+(CoinHive|CRLT|Client|CoinImp|deepMiner|CryptoNoter|JSEcoin)\s{0,2}\.\s{0,2}(Anonymous|User|Token)\s{0,2}\(\s{0,4}["'][A-Za-z0-9]{16,64}["']/
        $go = /\.start\s{0,2}\(/
    condition:
        filesize < 4MB and all of them
}
