/* Test files that every scanner should find: harmless by design, made to check that it works. */

rule EICAR_Test_File
{
    meta:
        description = "EICAR anti-malware test file"
        reason = "the 68 characters stand at the start, with at most white space after them, as EICAR specifies"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
        date = "2026-11-22"
        severity = "test"
    strings:
        $text = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    condition:
        filesize <= 128 and $text at 0
}

rule GTUBE_Test_Mail
{
    meta:
        description = "GTUBE test of unsolicited bulk mail"
        reason = "a mail message whose text holds the GTUBE line"
        reference = "https://spamassassin.apache.org/gtube/"
        date = "2026-11-22"
        severity = "test"
    strings:
        $line = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
        $from = /(^|\n)From: /
        $subject = /(^|\n)Subject: /
    condition:
        filesize < 1MB and $line and $from in (0..4096) and $subject in (0..4096) and
        @line > @subject
}
