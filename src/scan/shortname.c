#include "scan/shortname.h"

#include <string.h>

/* The names are those that public rule sets compare with. First fit wins. */
static const struct {
    const char *head;
    uint8_t length, offset;
    const char *name;
} signatures[] = {
    {"MZ", 2, 0, "EXE"},
    {"\x7f"
     "ELF",
     4, 0, "ELF"},
    {"\xfe\xed\xfa\xce", 4, 0, "MACH-O"},
    {"\xfe\xed\xfa\xcf", 4, 0, "MACH-O"},
    {"\xce\xfa\xed\xfe", 4, 0, "MACH-O"},
    {"\xcf\xfa\xed\xfe", 4, 0, "MACH-O"},
    {"dex\n", 4, 0, "DEX"},
    {"%PDF", 4, 0, "PDF"},
    {"{\\rt", 4, 0, "RTF"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, 0, "OLE"},
    {"PK\x03\x04", 4, 0, "ZIP"},
    {"Rar!\x1a\x07", 6, 0, "RAR"},
    {"7z\xbc\xaf\x27\x1c", 6, 0, "7Z"},
    {"\x1f\x8b", 2, 0, "GZIP"},
    {"BZh", 3, 0, "BZIP2"},
    {"\xfd"
     "7zXZ",
     5, 0, "XZ"},
    {"\x28\xb5\x2f\xfd", 4, 0, "ZSTD"},
    {"MSCF", 4, 0, "CAB"},
    {"!<arch>\n", 8, 0, "AR"},
    {"\xed\xab\xee\xdb", 4, 0, "RPM"},
    {"GIF8", 4, 0, "GIF"},
    {"\x89PNG", 4, 0, "PNG"},
    {"\xff\xd8\xff", 3, 0, "JPEG"},
    {"II*\0", 4, 0, "TIFF"},
    {"MM\0*", 4, 0, "TIFF"},
    {"BM", 2, 0, "BMP"},
    {"RIFF", 4, 0, "RIFF"},
    {"ID3", 3, 0, "MP3"},
    {"OggS", 4, 0, "OGG"},
    {"ftyp", 4, 4, "MP4"},
    {"CWS", 3, 0, "SWF"},
    {"FWS", 3, 0, "SWF"},
    {"ZWS", 3, 0, "SWF"},
    {"MDMP", 4, 0, "MDMP"},
    {"PAGEDU", 6, 0, "DMP"},
    {"regf", 4, 0, "REGISTRY"},
    {"ElfFile", 7, 0, "EVTX"},
    {"L\0\0\0\x01\x14\x02\0", 8, 0, "LNK"},
    {"ITSF", 4, 0, "CHM"},
    {"SQLite format 3", 15, 0, "SQLITE"},
    {"\xd4\xc3\xb2\xa1", 4, 0, "PCAP"},
    {"\xa1\xb2\xc3\xd4", 4, 0, "PCAP"},
    {"\x0a\x0d\x0d\x0a", 4, 0, "PCAPNG"},
    {"\0asm", 4, 0, "WASM"},
    {"-----BEGIN ", 11, 0, "PEM"},
    {"@echo off", 9, 0, "BATCH"},
    {"@ECHO OFF", 9, 0, "BATCH"},
    {"<?php", 5, 0, "PHP"},
    {"<?xml", 5, 0, "XML"},
    {"<%@ Page", 8, 0, "ASP"},
    {"<%@ page", 8, 0, "JSP"},
    {"<%", 2, 0, "ASP"},
    {"<!DOCTYPE", 9, 0, "HTML"},
    {"<!doctype", 9, 0, "HTML"},
    {"<html", 5, 0, "HTML"},
    {"<HTML", 5, 0, "HTML"},
};

/* "#!/usr/bin/env python3": by the word of the interpreter. */
static const char *script_name(bytes data)
{
    static const struct {
        const char *word, *name;
    } words[] = {{"python", "Python"},   {"perl", "Perl"}, {"php", "PHP"},
                 {"ruby", "Ruby"},       {"node", "JS"},   {"lua", "Lua"},
                 {"pwsh", "PowerShell"}, {"sh", "SHELL"}};

    bytes line = bytes_slice(data, 0, 128), first;
    if (!bytes_cut(&line, '\n', &first))
        return "SCRIPT";
    for (size_t i = 0; i < COUNT(words); i++)
        if (bytes_find(first, bytes_of(words[i].word), 2) != SIZE_MAX)
            return words[i].name;
    return "SCRIPT";
}

const char *shortname_of(bytes data)
{
    /* Java class files and fat Mach-O share their first four bytes; the class file's version,
     * which follows, is 45 or more, the number of architectures is not. */
    if (data.len >= 8 && load_be32(data.at) == 0xcafebabe)
        return load_be32(data.at + 4) < 45 ? "MACH-O" : "CLASS";
    if (data.len >= 2 && memcmp(data.at, "#!", 2) == 0)
        return script_name(data);
    if (data.len >= 262 && memcmp(data.at + 257, "ustar", 5) == 0)
        return "TAR";
    for (size_t i = 0; i < COUNT(signatures); i++)
        if (bytes_has(data, signatures[i].offset, signatures[i].length) &&
            memcmp(data.at + signatures[i].offset, signatures[i].head, signatures[i].length) ==
                0)
            return signatures[i].name;
    return "UNKNOWN";
}
