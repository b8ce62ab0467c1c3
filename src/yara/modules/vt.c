/* The vt module: what VirusTotal's Livehunt knows about a file besides its bytes (VirusTotal,
 * "File hunting: writing YARA rules for Livehunt"; names and numbers as in YARA-X). Rules that
 * ask for it compile; here nobody knows the answers, so everything but the constants is
 * undefined, always. */
#include "yara/modules/table.h"

#include <errno.h>

static int nothing(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    (void)args;
    *ret = VALUE_NONE;
    return 0;
}

static const struct overload permutation_calls[] = {{"s", 'b', nothing},
                                                    {"si", 'b', nothing},
                                                    {0}},
                             in_range_calls[] = {{"s", 'b', nothing}, {0}};

/* clang-format off */
#define VALUE(n, x)   FIELD_CONST(n, x)
#define INT(n)        FIELD_INT(n)
#define BOOL(n)       FIELD_BOOL(n)
#define TEXT(n)       FIELD_STRING(n)
#define STRUCT(n, m)  FIELD_STRUCT(n, m)
#define LIST(n, t)    FIELD_ARRAY(n, t)
#define LIST_OF(n, m) FIELD_ARRAY_OF(n, m)
#define DICT(n, t)    FIELD_DICT(n, t)
#define CALL(n, c)    FIELD_FUNCTION(n, c)

static const struct field behaviour_trait_enum[] = {
    VALUE("UNKNOWN_BEHAVIOUR", 0), VALUE("DETECT_DEBUG_ENVIRONMENT", 1),
    VALUE("DIRECT_CPU_CLOCK_ACCESS", 2), VALUE("LONG_SLEEPS", 3), VALUE("SELF_DELETE", 4),
    VALUE("HOSTS_MODIFIER", 5), VALUE("INSTALLS_BROWSER_EXTENSION", 6),
    VALUE("PASSWORD_DIALOG", 7), VALUE("SUDO", 8), VALUE("PERSISTENCE", 9),
    VALUE("SENDS_SMS", 10), VALUE("CHECKS_GPS", 11), VALUE("FTP_COMMUNICATION", 12),
    VALUE("SSH_COMMUNICATION", 13), VALUE("TELNET_COMMUNICATION", 14),
    VALUE("SMTP_COMMUNICATION", 15), VALUE("MYSQL_COMMUNICATION", 26),
    VALUE("IRC_COMMUNICATION", 17), VALUE("SUSPICIOUS_DNS", 18), VALUE("SUSPICIOUS_UDP", 19),
    VALUE("BIG_UPSTREAM", 20), VALUE("TUNNELING", 21), VALUE("CRYPTO", 22),
    VALUE("TELEPHONY", 23), VALUE("RUNTIME_MODULES", 24), VALUE("REFLECTION", 25),
    VALUE("DECRYPTS_EXE", 27), VALUE("MACRO_ENVIRON", 28), VALUE("MACRO_OPEN_FILE", 29),
    VALUE("MACRO_WRITE_FILE", 30), VALUE("MACRO_HANDLE_FILE", 31),
    VALUE("MACRO_COPY_FILE", 32), VALUE("MACRO_CREATE_FILE", 33), VALUE("MACRO_RUN_FILE", 34),
    VALUE("MACRO_HIDE_APP", 35), VALUE("MACRO_POWERSHELL", 36), VALUE("MACRO_CREATE_DIR", 37),
    VALUE("MACRO_SAVE_WORKBOOK", 38), VALUE("MACRO_CREATE_OLE", 39),
    VALUE("MACRO_ENUM_WINDOWS", 40), VALUE("MACRO_RUN_DLL", 41),
    VALUE("MACRO_DOWNLOAD_URL", 42), VALUE("MACRO_SEND_KEYS", 43),
    VALUE("MACRO_REGISTRY", 44), VALUE("MACRO_ANTI_ANALYSIS", 45), VALUE("OBFUSCATED", 46),
    VALUE("CLIPBOARD", 47), VALUE("CHECKS_CPU_NAME", 48), VALUE("CHECKS_DISK_SPACE", 49),
    VALUE("CHECKS_MEMORY_AVAILABLE", 50), VALUE("CHECKS_HOSTNAME", 51),
    VALUE("CHECKS_NETWORK_ADAPTERS", 52), VALUE("CHECKS_BIOS", 53),
    VALUE("CHECKS_PCI_BUS", 54), VALUE("CHECKS_USB_BUS", 55),
    VALUE("EXECUTES_DROPPED_FILE", 56), VALUE("REPEATED_CLOCK_ACCESS", 57),
    VALUE("CHECKS_USER_INPUT", 58), VALUE("CALLS_WMI", 59), VALUE("EVAL_FUNCTION", 60),
    VALUE("IDLE", 61), VALUE("SERVICE_SCAN", 62), VALUE("LISTENS", 63),
    VALUE("SETS_PROCESS_NAME", 64), VALUE("QR_CODE", 65), FIELD_END};

static const struct field file_type_enum[] = {
    VALUE("UNKNOWN", 0), VALUE("PE_EXE", 1), VALUE("PE_DLL", 2), VALUE("MSI", 3),
    VALUE("NE_EXE", 10), VALUE("NE_DLL", 11), VALUE("DOS_EXE", 20), VALUE("DOS_COM", 21),
    VALUE("COFF", 30), VALUE("ELF", 31), VALUE("LINUX_KERNEL", 32), VALUE("RPM", 33),
    VALUE("LINUX", 34), VALUE("MACH_O", 35), VALUE("JAVA_BYTECODE", 36), VALUE("DMG", 37),
    VALUE("DEB", 38), VALUE("PKG", 39), VALUE("PYC", 40), VALUE("LNK", 50),
    VALUE("DESKTOP_ENTRY", 51), VALUE("JPEG", 100), VALUE("TIFF", 101), VALUE("GIF", 102),
    VALUE("PNG", 103), VALUE("BMP", 104), VALUE("GIMP", 105), VALUE("IN_DESIGN", 106),
    VALUE("PSD", 107), VALUE("TARGA", 108), VALUE("XWD", 109), VALUE("DIB", 110),
    VALUE("JNG", 111), VALUE("ICO", 112), VALUE("FPX", 113), VALUE("EPS", 114),
    VALUE("SVG", 115), VALUE("EMF", 116), VALUE("WEBP", 117), VALUE("DWG", 118),
    VALUE("DXF", 119), VALUE("UNUSED_THREEDS", 120), VALUE("OGG", 150), VALUE("FLC", 151),
    VALUE("FLI", 152), VALUE("MP3", 153), VALUE("FLAC", 154), VALUE("WAV", 155),
    VALUE("MIDI", 156), VALUE("AVI", 157), VALUE("MPEG", 158), VALUE("QUICKTIME", 159),
    VALUE("ASF", 160), VALUE("DIVX", 161), VALUE("FLV", 162), VALUE("WMA", 163),
    VALUE("WMV", 164), VALUE("RM", 165), VALUE("MOV", 166), VALUE("MP4", 167),
    VALUE("T3GP", 168), VALUE("WEBM", 169), VALUE("MKV", 170), VALUE("PDF", 200),
    VALUE("PS", 201), VALUE("DOC", 202), VALUE("DOCX", 203), VALUE("PPT", 204),
    VALUE("PPTX", 205), VALUE("PPSX", 209), VALUE("XLS", 206), VALUE("XLSX", 207),
    VALUE("RTF", 208), VALUE("ODP", 250), VALUE("ODS", 251), VALUE("ODT", 252),
    VALUE("HWP", 253), VALUE("GUL", 254), VALUE("ODF", 255), VALUE("ODG", 256),
    VALUE("ONE_NOTE", 257), VALUE("UNUSED_OOXML", 258), VALUE("SLK", 259),
    VALUE("EBOOK", 260), VALUE("LATEX", 261), VALUE("TTF", 262), VALUE("EOT", 263),
    VALUE("WOFF", 264), VALUE("CHM", 265), VALUE("ZIP", 300), VALUE("GZIP", 301),
    VALUE("BZIP", 302), VALUE("RZIP", 303), VALUE("DZIP", 304), VALUE("SEVENZIP", 305),
    VALUE("CAB", 306), VALUE("JAR", 307), VALUE("RAR", 308), VALUE("MSCOMPRESS", 309),
    VALUE("ACE", 310), VALUE("ARC", 311), VALUE("ARJ", 312), VALUE("ASD", 313),
    VALUE("BLACKHOLE", 314), VALUE("KGB", 315), VALUE("ZLIB", 316), VALUE("TAR", 317),
    VALUE("ZST", 318), VALUE("LZFSE", 319), VALUE("PYTHON_WHL", 320),
    VALUE("PYTHON_PKG", 321), VALUE("MSIX", 322), VALUE("TEXT", 400), VALUE("SCRIPT", 401),
    VALUE("PHP", 402), VALUE("PYTHON", 403), VALUE("PERL", 404), VALUE("RUBY", 405),
    VALUE("C", 406), VALUE("CPP", 407), VALUE("JAVA", 408), VALUE("SHELLSCRIPT", 409),
    VALUE("PASCAL", 410), VALUE("AWK", 411), VALUE("DYALOG", 412), VALUE("FORTRAN", 413),
    VALUE("JAVASCRIPT", 414), VALUE("POWERSHELL", 415), VALUE("VBA", 416), VALUE("M4", 417),
    VALUE("OBJETIVEC", 418), VALUE("JMOD", 419), VALUE("MAKEFILE", 420), VALUE("INI", 421),
    VALUE("UNUSED_CLJ", 422), VALUE("UNUSED_PDB", 425), VALUE("SQL", 426),
    VALUE("UNUSED_NEKO", 427), VALUE("UNUSED_WER", 428), VALUE("GOLANG", 429),
    VALUE("M3U", 430), VALUE("BAT", 431), VALUE("MSC", 432), VALUE("RDP", 433),
    VALUE("SYMBIAN", 500), VALUE("PALMOS", 501), VALUE("WINCE", 502), VALUE("ANDROID", 503),
    VALUE("IPHONE", 504), VALUE("HTML", 600), VALUE("XML", 601), VALUE("SWF", 602),
    VALUE("FLA", 603), VALUE("COOKIE", 604), VALUE("TORRENT", 605), VALUE("EMAIL", 606),
    VALUE("OUTLOOK", 607), VALUE("SGML", 608), VALUE("JSON", 609), VALUE("CSV", 610),
    VALUE("HTA", 611), VALUE("INTERNET_SHORTCUT", 612), VALUE("CAP", 700),
    VALUE("ISOIMAGE", 800), VALUE("SQUASHFS", 801), VALUE("VHD", 802), VALUE("VHDX", 803),
    VALUE("APPLE", 1000), VALUE("MACINTOSH", 1001), VALUE("APPLESINGLE", 1002),
    VALUE("APPLEDOUBLE", 1003), VALUE("MACINTOSH_HFS", 1004), VALUE("APPLE_PLIST", 1005),
    VALUE("MACINTOSH_LIB", 1006), VALUE("APPLESCRIPT", 1007),
    VALUE("APPLESCRIPT_COMPILED", 1008), VALUE("CRX", 1100), VALUE("XPI", 1101),
    VALUE("ROM", 1200), VALUE("IPS", 1201), VALUE("PEM", 1300), VALUE("PGP", 1301),
    VALUE("CRT", 1302), FIELD_END};

static const struct field impact_severity_enum[] = {
    VALUE("IMPACT_SEVERITY_UNKNOWN", 0), VALUE("IMPACT_SEVERITY_INFO", 1),
    VALUE("IMPACT_SEVERITY_LOW", 2), VALUE("IMPACT_SEVERITY_MEDIUM", 3),
    VALUE("IMPACT_SEVERITY_HIGH", 4), FIELD_END};

static const struct field behaviour_verdict_enum[] = {
    VALUE("UNKNOWN_VERDICT", 0), VALUE("CLEAN", 1), VALUE("MALWARE", 2), VALUE("GREYWARE", 3),
    VALUE("RANSOM", 4), VALUE("PHISHING", 5), VALUE("BANKER", 6), VALUE("ADWARE", 7),
    VALUE("EXPLOIT", 8), VALUE("EVADER", 9), VALUE("RAT", 10), VALUE("TROJAN", 11),
    VALUE("SPREADER", 12), VALUE("STEALER", 13), FIELD_END};

static const struct field gti_severity_enum[] = {
    VALUE("SEVERITY_UNKNOWN", 0), VALUE("SEVERITY_NONE", 4), VALUE("SEVERITY_LOW", 8),
    VALUE("SEVERITY_MEDIUM", 12), VALUE("SEVERITY_HIGH", 16), FIELD_END};

static const struct field gti_verdict_enum[] = {
    VALUE("VERDICT_UNKNOWN", 0), VALUE("VERDICT_BENIGN", 4), VALUE("VERDICT_UNDETECTED", 8),
    VALUE("VERDICT_SUSPICIOUS", 12), VALUE("VERDICT_MALICIOUS", 16), FIELD_END};

static const struct field alert_severity_enum[] = {
    VALUE("unset", 0), VALUE("high", 1), VALUE("medium", 2), VALUE("low", 3),
    VALUE("info", 4), FIELD_END};

static const struct field transport_layer_protocol_enum[] = {
    VALUE("UNKNOWN", 0), VALUE("ICMP", 1), VALUE("IGMP", 2), VALUE("TCP", 6),
    VALUE("UDP", 17), VALUE("ESP", 50), VALUE("AH", 51), VALUE("L2TP", 115),
    VALUE("SCTP", 132), FIELD_END};

static const struct field http_method_enum[] = {
    VALUE("UNKNOWN", 0), VALUE("GET", 1), VALUE("HEAD", 2), VALUE("POST", 3), VALUE("PUT", 4),
    VALUE("DELETE", 5), VALUE("TRACE", 6), VALUE("OPTIONS", 7), VALUE("CONNECT", 8),
    VALUE("PATCH", 9), VALUE("PROPFIND", 10), VALUE("SETUP", 11), VALUE("UNLOCK", 12),
    FIELD_END};

static const struct field http_enums[] = {
    STRUCT("Method", http_method_enum), FIELD_END};

static const struct field net_protocol_enum[] = {
    VALUE("UNKNOWN", 0), VALUE("ICMP", 1), VALUE("IGMP", 2), VALUE("TCP", 6),
    VALUE("UDP", 17), VALUE("ESP", 50), VALUE("AH", 51), VALUE("L2TP", 115),
    VALUE("SCTP", 132), FIELD_END};

static const struct field net_enums[] = {
    STRUCT("Protocol", net_protocol_enum), FIELD_END};

static const struct field signature_format_enum[] = {
    VALUE("SIG_FORMAT_UNKNOWN", 0), VALUE("SIG_FORMAT_YARA", 1), VALUE("SIG_FORMAT_SIGMA", 2),
    VALUE("SIG_FORMAT_CAPA", 3), VALUE("SIG_FORMAT_OPENIOC", 4),
    VALUE("SIG_FORMAT_KEYWORD", 5), FIELD_END};

static const struct field signature_match_enums[] = {
    STRUCT("SignatureFormat", signature_format_enum), FIELD_END};

static const struct field domain_permutation_enum[] = {
    VALUE("ALL", 31), VALUE("TYPO", 1), VALUE("HOMOGLYPH", 2), VALUE("HYPHENATION", 4),
    VALUE("SUBDOMAIN", 8), VALUE("BITSQUATTING", 16), FIELD_END};

static const struct field domain_enums[] = {
    STRUCT("Permutation", domain_permutation_enum), FIELD_END};

static const struct field sigma_rule_level_enum[] = {
    VALUE("unknown", 0), VALUE("low", 1), VALUE("medium", 2), VALUE("high", 3),
    VALUE("critical", 4), FIELD_END};

static const struct field sigma_rule_enums[] = {
    STRUCT("Level", sigma_rule_level_enum), FIELD_END};

static const struct field submitter[] = {
    TEXT("city"), TEXT("country"), FIELD_END};

static const struct field analysis_stats[] = {
    INT("malicious"), INT("suspicious"), INT("undetected"), INT("harmless"), INT("failure"),
    INT("type_unsupported"), FIELD_END};

static const struct field main_icon[] = {
    TEXT("dhash"), TEXT("raw_md5"), FIELD_END};

static const struct field goresym_build_info[] = {
    TEXT("path"), DICT("dependencies", TYPE_STRING), DICT("settings", TYPE_STRING), FIELD_END};

static const struct field goresym_summary[] = {
    INT("num_user_functions"), INT("num_std_functions"), INT("num_interfaces"),
    INT("num_types"), INT("num_dependencies"), FIELD_END};

static const struct field goresym[] = {
    TEXT("version"), TEXT("arch"), TEXT("os"), TEXT("build_id"),
    STRUCT("build_info", goresym_build_info), STRUCT("summary", goresym_summary),
    FIELD_END};

static const struct field tracker[] = {
    TEXT("name"), TEXT("id"), TEXT("url"), FIELD_END};

static const struct field favicon[] = {
    TEXT("raw_md5"), TEXT("dhash"), FIELD_END};

static const struct field header_values[] = {
    TEXT("key"), LIST("values", TYPE_STRING), FIELD_END};

static const struct field net_file_metadata[] = {
    TEXT("sha256"), BOOL("new_for_vt"), STRUCT("analysis_stats", analysis_stats),
    INT("file_type"), BOOL("new_for_url"), BOOL("new_for_ip"), BOOL("new_for_domain"),
    DICT("signatures", TYPE_STRING), FIELD_END};

static const struct field resource_file_metadata[] = {
    TEXT("sha256"), STRUCT("analysis_stats", analysis_stats), INT("file_type"),
    BOOL("new_for_url"), DICT("signatures", TYPE_STRING), FIELD_END};

static const struct field hunting_gti_verdict[] = {
    INT("value"), FIELD_END};

static const struct field hunting_gti_threat_score[] = {
    INT("value"), FIELD_END};

static const struct field hunting_gti_severity[] = {
    INT("value"), FIELD_END};

static const struct field hunting_gti_score[] = {
    STRUCT("verdict", hunting_gti_verdict), STRUCT("threat_score", hunting_gti_threat_score),
    STRUCT("severity", hunting_gti_severity), FIELD_END};

static const struct field enriched_url[] = {
    INT("port"), LIST_OF("trackers", tracker), DICT("response_headers", TYPE_STRING),
    INT("number_of_response_headers"), INT("response_code"), DICT("cookies", TYPE_STRING),
    STRUCT("favicon", favicon), LIST("outgoing_links", TYPE_STRING),
    LIST("redirects", TYPE_STRING), TEXT("html_title"),
    LIST_OF("html_meta_tags", header_values), BOOL("new_url"),
    STRUCT("analysis_stats", analysis_stats), INT("first_submission_date"),
    DICT("signatures", TYPE_STRING), STRUCT("submitter", submitter),
    LIST("tags", TYPE_STRING), TEXT("query"), DICT("params", TYPE_STRING), TEXT("path"),
    TEXT("hostname"), TEXT("raw"), STRUCT("downloaded_file", net_file_metadata),
    STRUCT("communicating_file", net_file_metadata),
    LIST_OF("embedded_resources", resource_file_metadata), DICT("categories", TYPE_STRING),
    STRUCT("gti_assessment", hunting_gti_score), FIELD_END};

static const struct field subject[] = {
    TEXT("common_name"), TEXT("country"), TEXT("organization"), TEXT("organizational_unit"),
    TEXT("locality"), TEXT("state"), FIELD_END};

static const struct field validity[] = {
    INT("not_after"), INT("not_before"), FIELD_END};

static const struct field ssl_certificate[] = {
    TEXT("thumbprint"), STRUCT("subject", subject), STRUCT("validity", validity),
    LIST("subject_alternative_name", TYPE_STRING), TEXT("signature"), TEXT("serial_number"),
    STRUCT("issuer", subject), FIELD_END};

static const struct field enriched_ip[] = {
    DICT("whois", TYPE_STRING), TEXT("whois_raw"),
    STRUCT("https_certificate", ssl_certificate), TEXT("jarm"), TEXT("ip_as_owner"),
    INT("ip_asn"), TEXT("ip_country"), STRUCT("analysis_stats", analysis_stats),
    DICT("signatures", TYPE_STRING), LIST("tags", TYPE_STRING), TEXT("raw"),
    STRUCT("downloaded_file", net_file_metadata),
    STRUCT("communicating_file", net_file_metadata), INT("ip_as_int"), BOOL("first_whois"),
    BOOL("new_whois"), TEXT("reverse_lookup"), STRUCT("gti_assessment", hunting_gti_score),
    CALL("in_range", in_range_calls), FIELD_END};

static const struct field dns_record[] = {
    TEXT("type"), TEXT("dns_class"), INT("ttl"), TEXT("mname"), TEXT("rname"),
    INT("priority"), INT("serial"), INT("retry"), INT("refresh"), INT("expire"),
    INT("minimum"), TEXT("value"), FIELD_END};

static const struct field popularity_rank[] = {
    INT("position"), INT("ingestion_time"), TEXT("rank"), FIELD_END};

static const struct field enriched_domain[] = {
    TEXT("raw"), TEXT("root"), DICT("whois", TYPE_STRING), TEXT("whois_raw"),
    STRUCT("https_certificate", ssl_certificate), TEXT("jarm"),
    LIST_OF("dns_records", dns_record), STRUCT("favicon", favicon),
    STRUCT("analysis_stats", analysis_stats), DICT("signatures", TYPE_STRING),
    BOOL("new_domain"), LIST("tags", TYPE_STRING),
    STRUCT("downloaded_file", net_file_metadata),
    STRUCT("communicating_file", net_file_metadata), BOOL("first_whois"), BOOL("new_whois"),
    BOOL("first_resolution"), BOOL("new_resolution"), DICT("categories", TYPE_STRING),
    LIST_OF("popularity_ranks", popularity_rank), INT("number_of_popularity_ranks"),
    LIST_OF("root_popularity_ranks", popularity_rank), INT("number_of_root_popularity_ranks"),
    STRUCT("gti_assessment", hunting_gti_score), CALL("permutation_of", permutation_calls),
    FIELD_END};

static const struct field enriched_netloc[] = {
    STRUCT("url", enriched_url), STRUCT("ip", enriched_ip), STRUCT("domain", enriched_domain),
    FIELD_END};

static const struct field file_metadata[] = {
    TEXT("sha256"), TEXT("sha1"), TEXT("md5"), TEXT("ssdeep"), TEXT("imphash"), TEXT("vhash"),
    TEXT("telfhash"), TEXT("file_name"), INT("file_type"), INT("file_size"),
    INT("times_submitted"), BOOL("new_file"), LIST("tags", TYPE_STRING),
    DICT("signatures", TYPE_STRING), STRUCT("submitter", submitter), BOOL("subfile"),
    INT("unique_sources"), STRUCT("analysis_stats", analysis_stats), TEXT("magic"),
    LIST("file_type_tags", TYPE_STRING), INT("first_submission_date"),
    DICT("exiftool", TYPE_STRING), STRUCT("main_icon", main_icon),
    STRUCT("goresym", goresym), LIST("malware_families", TYPE_STRING), TEXT("tlsh"),
    STRUCT("itw", enriched_netloc), STRUCT("gti_assessment", hunting_gti_score), FIELD_END};

static const struct field file_copy[] = {
    TEXT("source"), TEXT("destination"), FIELD_END};

static const struct field dropped_file[] = {
    TEXT("path"), TEXT("sha256"), INT("type"), TEXT("download_url"), TEXT("process_name"),
    TEXT("process_id"), FIELD_END};

static const struct field process_item[] = {
    TEXT("process_id"), TEXT("parent_process_id"), TEXT("name"), INT("start_time"),
    INT("termination_time"), LIST("files_opened", TYPE_STRING),
    LIST("files_written", TYPE_STRING), LIST("files_deleted", TYPE_STRING),
    LIST_OF("files_copied", file_copy), FIELD_END};

static const struct field permission_check[] = {
    TEXT("permission"), TEXT("owner"), FIELD_END};

static const struct field key_value[] = {
    TEXT("key"), TEXT("value"), FIELD_END};

static const struct field http_conversation[] = {
    TEXT("url"), INT("request_method"), DICT("request_headers", TYPE_STRING),
    DICT("response_headers", TYPE_STRING), INT("response_status_code"),
    INT("response_body_filetype"), TEXT("response_body_first_ten_bytes"), FIELD_END};

static const struct field dns_lookup[] = {
    TEXT("hostname"), LIST("resolved_ips", TYPE_STRING), LIST("txt_records", TYPE_STRING),
    FIELD_END};

static const struct field ip_traffic[] = {
    TEXT("destination_ip"), INT("destination_port"), INT("transport_layer_protocol"),
    INT("destination_ip_asn"), INT("destination_ip_as_int"), FIELD_END};

static const struct field sms[] = {
    TEXT("destination"), TEXT("body"), FIELD_END};

static const struct field smtp_conversation[] = {
    TEXT("hostname"), TEXT("destination_ip"), INT("destination_port"), TEXT("smtp_from"),
    LIST("smtp_to", TYPE_STRING), LIST("message_from", TYPE_STRING),
    LIST("message_to", TYPE_STRING), LIST("message_cc", TYPE_STRING),
    LIST("message_bcc", TYPE_STRING), TEXT("timestamp"), TEXT("subject"), TEXT("html_body"),
    TEXT("txt_body"), TEXT("auth_user"), TEXT("auth_pass"), LIST_OF("headers", key_value),
    LIST_OF("attachments", dropped_file), TEXT("x_mailer"), FIELD_END};

static const struct field crowd_sourced_ids_alert_context[] = {
    INT("protocol"), TEXT("src_ip"), INT("src_port"), TEXT("dest_ip"), INT("dest_port"),
    TEXT("hostname"), TEXT("url"), LIST("ja3", TYPE_STRING), LIST("ja3s", TYPE_STRING),
    FIELD_END};

static const struct field crowd_sourced_ids_results[] = {
    TEXT("rule_msg"), TEXT("rule_category"), TEXT("rule_id"), INT("alert_severity"),
    TEXT("rule_source"), STRUCT("alert_context", crowd_sourced_ids_alert_context),
    TEXT("rule_url"), LIST("rule_references", TYPE_STRING), LIST("tags", TYPE_STRING),
    TEXT("rule_raw"), FIELD_END};

static const struct field tls[] = {
    DICT("subject", TYPE_STRING), DICT("issuer", TYPE_STRING), TEXT("serial_number"),
    TEXT("thumbprint"), TEXT("version"), TEXT("sni"), TEXT("ja3"), TEXT("ja3s"), TEXT("ja4"),
    FIELD_END};

static const struct field mitre_attack_technique[] = {
    TEXT("id"), INT("severity"), TEXT("signature_description"), FIELD_END};

static const struct field sigma_match_context[] = {
    DICT("values", TYPE_STRING), FIELD_END};

static const struct field sigma_match[] = {
    LIST_OF("match_context", sigma_match_context), INT("rule_level"), TEXT("rule_id"),
    TEXT("rule_source"), TEXT("rule_title"), TEXT("rule_description"), TEXT("rule_author"),
    FIELD_END};

static const struct field signature_match[] = {
    TEXT("id"), INT("format"), TEXT("name"), TEXT("description"),
    LIST("authors", TYPE_STRING), LIST("events", TYPE_STRING),
    LIST("match_data", TYPE_STRING), TEXT("rule_src"), INT("severity"), FIELD_END};

static const struct field malware_behavior_catalog[] = {
    TEXT("id"), TEXT("objective"), TEXT("behavior"), TEXT("method"), FIELD_END};

static const struct field behaviour_summary[] = {
    LIST("files_opened", TYPE_STRING), LIST("files_written", TYPE_STRING),
    LIST("files_deleted", TYPE_STRING), LIST_OF("files_copied", file_copy),
    LIST("files_attribute_changed", TYPE_STRING), LIST_OF("files_dropped", dropped_file),
    TEXT("hosts_file"), LIST_OF("processes_list", process_item),
    LIST("processes_created", TYPE_STRING), LIST("processes_terminated", TYPE_STRING),
    LIST("processes_killed", TYPE_STRING), LIST("processes_injected", TYPE_STRING),
    LIST("command_executions", TYPE_STRING), LIST("services_opened", TYPE_STRING),
    LIST("services_created", TYPE_STRING), LIST("services_started", TYPE_STRING),
    LIST("services_stopped", TYPE_STRING), LIST("services_deleted", TYPE_STRING),
    LIST("services_bound", TYPE_STRING), LIST("windows_searched", TYPE_STRING),
    LIST("windows_hidden", TYPE_STRING), LIST_OF("permissions_checked", permission_check),
    LIST("permissions_requested", TYPE_STRING), LIST("mutexes_opened", TYPE_STRING),
    LIST("mutexes_created", TYPE_STRING), LIST("signals_observed", TYPE_STRING),
    LIST("signals_hooked", TYPE_STRING), LIST("modules_loaded", TYPE_STRING),
    LIST("calls_highlighted", TYPE_STRING), LIST("invokes", TYPE_STRING),
    LIST("crypto_algorithms_observed", TYPE_STRING), LIST("crypto_keys", TYPE_STRING),
    LIST("crypto_plain_text", TYPE_STRING), LIST("encoding_algorithms_observed", TYPE_STRING),
    LIST("text_decoded", TYPE_STRING), LIST("text_highlighted", TYPE_STRING),
    LIST("traits", TYPE_INT), LIST("databases_opened", TYPE_STRING),
    LIST("databases_deleted", TYPE_STRING), LIST("registry_keys_opened", TYPE_STRING),
    LIST_OF("registry_keys_set", key_value), LIST("registry_keys_deleted", TYPE_STRING),
    LIST("system_property_lookups", TYPE_STRING), LIST_OF("system_property_sets", key_value),
    LIST("shared_preferences_lookups", TYPE_STRING),
    LIST_OF("shared_preferences_sets", key_value),
    LIST("content_model_observers", TYPE_STRING), LIST_OF("content_model_sets", key_value),
    LIST("activities_started", TYPE_STRING), LIST_OF("http_conversations", http_conversation),
    LIST_OF("dns_lookups", dns_lookup), LIST_OF("ip_traffic", ip_traffic),
    LIST_OF("sms_sent", sms), LIST("verdicts", TYPE_INT), INT("verdict_confidence"),
    LIST("verdict_labels", TYPE_STRING), LIST("ja3_digests", TYPE_STRING),
    LIST("memory_pattern_ips", TYPE_STRING), LIST("memory_pattern_domains", TYPE_STRING),
    LIST("memory_pattern_urls", TYPE_STRING),
    LIST_OF("smtp_conversations", smtp_conversation),
    LIST_OF("ids_alerts", crowd_sourced_ids_results), LIST_OF("tls", tls),
    LIST_OF("mitre_attack_techniques", mitre_attack_technique),
    LIST_OF("sigma_analysis_results", sigma_match),
    LIST_OF("signature_matches", signature_match), LIST_OF("mbc", malware_behavior_catalog),
    FIELD_END};

static const struct field fields[] = {
    STRUCT("BehaviourTrait", behaviour_trait_enum), STRUCT("FileType", file_type_enum),
    STRUCT("ImpactSeverity", impact_severity_enum),
    STRUCT("BehaviourVerdict", behaviour_verdict_enum),
    STRUCT("GtiSeverity", gti_severity_enum), STRUCT("GtiVerdict", gti_verdict_enum),
    STRUCT("AlertSeverity", alert_severity_enum),
    STRUCT("TransportLayerProtocol", transport_layer_protocol_enum),
    STRUCT("Http", http_enums), STRUCT("Net", net_enums),
    STRUCT("SignatureMatch", signature_match_enums), STRUCT("Domain", domain_enums),
    STRUCT("SigmaRule", sigma_rule_enums), STRUCT("metadata", file_metadata),
    STRUCT("behaviour", behaviour_summary), STRUCT("net", enriched_netloc), FIELD_END};

/* clang-format on */

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    return in->root ? 0 : -ENOMEM;
}

const struct module module_vt = {.name = "vt", .fields = fields, .load = load};
