/* pe_fields — the fields of the pe module by name and number, in the order of YARA 4.5.
 *
 * Each structure is a list of X(name, what a `struct field` says besides its name). From the
 * list come an enum, so that fills write to slots without looking names up, and the table. */
#pragma once
#include "yara/modules/pe/pe.h"

#define PE_INT       .type = TYPE_INT
#define PE_TEXT      .type = TYPE_STRING
#define PE_CONST(x)  .type = TYPE_INT, .constant = true, .integer = (x)
#define PE_STRUCT(m) .type = TYPE_STRUCT, .members = (m)
#define PE_ARRAY(m)  .type = TYPE_ARRAY, .item = TYPE_STRUCT, .members = (m)
#define PE_CALLS(c)  .type = TYPE_FUNCTION, .calls = (c)
#define PE_LAZY(f)   .fill = (f)

/* Constants: winnt.h of the Windows SDK. */
/* clang-format off */
#define PE_CONSTANTS(X) \
    X(MACHINE_UNKNOWN,                       PE_CONST(0x0000)) \
    X(MACHINE_AM33,                          PE_CONST(0x01d3)) \
    X(MACHINE_AMD64,                         PE_CONST(0x8664)) \
    X(MACHINE_ARM,                           PE_CONST(0x01c0)) \
    X(MACHINE_ARMNT,                         PE_CONST(0x01c4)) \
    X(MACHINE_ARM64,                         PE_CONST(0xaa64)) \
    X(MACHINE_EBC,                           PE_CONST(0x0ebc)) \
    X(MACHINE_I386,                          PE_CONST(0x014c)) \
    X(MACHINE_IA64,                          PE_CONST(0x0200)) \
    X(MACHINE_M32R,                          PE_CONST(0x9041)) \
    X(MACHINE_MIPS16,                        PE_CONST(0x0266)) \
    X(MACHINE_MIPSFPU,                       PE_CONST(0x0366)) \
    X(MACHINE_MIPSFPU16,                     PE_CONST(0x0466)) \
    X(MACHINE_POWERPC,                       PE_CONST(0x01f0)) \
    X(MACHINE_POWERPCFP,                     PE_CONST(0x01f1)) \
    X(MACHINE_R4000,                         PE_CONST(0x0166)) \
    X(MACHINE_SH3,                           PE_CONST(0x01a2)) \
    X(MACHINE_SH3DSP,                        PE_CONST(0x01a3)) \
    X(MACHINE_SH4,                           PE_CONST(0x01a6)) \
    X(MACHINE_SH5,                           PE_CONST(0x01a8)) \
    X(MACHINE_THUMB,                         PE_CONST(0x01c2)) \
    X(MACHINE_WCEMIPSV2,                     PE_CONST(0x0169)) \
    X(MACHINE_TARGET_HOST,                   PE_CONST(0x0001)) \
    X(MACHINE_R3000,                         PE_CONST(0x0162)) \
    X(MACHINE_R10000,                        PE_CONST(0x0168)) \
    X(MACHINE_ALPHA,                         PE_CONST(0x0184)) \
    X(MACHINE_SH3E,                          PE_CONST(0x01a4)) \
    X(MACHINE_ALPHA64,                       PE_CONST(0x0284)) \
    X(MACHINE_AXP64,                         PE_CONST(0x0284)) \
    X(MACHINE_TRICORE,                       PE_CONST(0x0520)) \
    X(MACHINE_CEF,                           PE_CONST(0x0cef)) \
    X(MACHINE_CEE,                           PE_CONST(0xc0ee)) \
    X(SUBSYSTEM_UNKNOWN,                     PE_CONST(0)) \
    X(SUBSYSTEM_NATIVE,                      PE_CONST(1)) \
    X(SUBSYSTEM_WINDOWS_GUI,                 PE_CONST(2)) \
    X(SUBSYSTEM_WINDOWS_CUI,                 PE_CONST(3)) \
    X(SUBSYSTEM_OS2_CUI,                     PE_CONST(5)) \
    X(SUBSYSTEM_POSIX_CUI,                   PE_CONST(7)) \
    X(SUBSYSTEM_NATIVE_WINDOWS,              PE_CONST(8)) \
    X(SUBSYSTEM_WINDOWS_CE_GUI,              PE_CONST(9)) \
    X(SUBSYSTEM_EFI_APPLICATION,             PE_CONST(10)) \
    X(SUBSYSTEM_EFI_BOOT_SERVICE_DRIVER,     PE_CONST(11)) \
    X(SUBSYSTEM_EFI_RUNTIME_DRIVER,          PE_CONST(12)) \
    X(SUBSYSTEM_EFI_ROM_IMAGE,               PE_CONST(13)) \
    X(SUBSYSTEM_XBOX,                        PE_CONST(14)) \
    X(SUBSYSTEM_WINDOWS_BOOT_APPLICATION,    PE_CONST(16)) \
    X(HIGH_ENTROPY_VA,                       PE_CONST(0x0020)) \
    X(DYNAMIC_BASE,                          PE_CONST(0x0040)) \
    X(FORCE_INTEGRITY,                       PE_CONST(0x0080)) \
    X(NX_COMPAT,                             PE_CONST(0x0100)) \
    X(NO_ISOLATION,                          PE_CONST(0x0200)) \
    X(NO_SEH,                                PE_CONST(0x0400)) \
    X(NO_BIND,                               PE_CONST(0x0800)) \
    X(APPCONTAINER,                          PE_CONST(0x1000)) \
    X(WDM_DRIVER,                            PE_CONST(0x2000)) \
    X(GUARD_CF,                              PE_CONST(0x4000)) \
    X(TERMINAL_SERVER_AWARE,                 PE_CONST(0x8000)) \
    X(RELOCS_STRIPPED,                       PE_CONST(0x0001)) \
    X(EXECUTABLE_IMAGE,                      PE_CONST(0x0002)) \
    X(LINE_NUMS_STRIPPED,                    PE_CONST(0x0004)) \
    X(LOCAL_SYMS_STRIPPED,                   PE_CONST(0x0008)) \
    X(AGGRESIVE_WS_TRIM,                     PE_CONST(0x0010)) \
    X(LARGE_ADDRESS_AWARE,                   PE_CONST(0x0020)) \
    X(BYTES_REVERSED_LO,                     PE_CONST(0x0080)) \
    X(MACHINE_32BIT,                         PE_CONST(0x0100)) \
    X(DEBUG_STRIPPED,                        PE_CONST(0x0200)) \
    X(REMOVABLE_RUN_FROM_SWAP,               PE_CONST(0x0400)) \
    X(NET_RUN_FROM_SWAP,                     PE_CONST(0x0800)) \
    X(SYSTEM,                                PE_CONST(0x1000)) \
    X(DLL,                                   PE_CONST(0x2000)) \
    X(UP_SYSTEM_ONLY,                        PE_CONST(0x4000)) \
    X(BYTES_REVERSED_HI,                     PE_CONST(0x8000)) \
    X(IMAGE_DIRECTORY_ENTRY_EXPORT,          PE_CONST(0)) \
    X(IMAGE_DIRECTORY_ENTRY_IMPORT,          PE_CONST(1)) \
    X(IMAGE_DIRECTORY_ENTRY_RESOURCE,        PE_CONST(2)) \
    X(IMAGE_DIRECTORY_ENTRY_EXCEPTION,       PE_CONST(3)) \
    X(IMAGE_DIRECTORY_ENTRY_SECURITY,        PE_CONST(4)) \
    X(IMAGE_DIRECTORY_ENTRY_BASERELOC,       PE_CONST(5)) \
    X(IMAGE_DIRECTORY_ENTRY_DEBUG,           PE_CONST(6)) \
    X(IMAGE_DIRECTORY_ENTRY_ARCHITECTURE,    PE_CONST(7)) \
    X(IMAGE_DIRECTORY_ENTRY_COPYRIGHT,       PE_CONST(7)) \
    X(IMAGE_DIRECTORY_ENTRY_GLOBALPTR,       PE_CONST(8)) \
    X(IMAGE_DIRECTORY_ENTRY_TLS,             PE_CONST(9)) \
    X(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG,     PE_CONST(10)) \
    X(IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT,    PE_CONST(11)) \
    X(IMAGE_DIRECTORY_ENTRY_IAT,             PE_CONST(12)) \
    X(IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT,    PE_CONST(13)) \
    X(IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR,  PE_CONST(14)) \
    X(IMAGE_NT_OPTIONAL_HDR32_MAGIC,         PE_CONST(0x10b)) \
    X(IMAGE_NT_OPTIONAL_HDR64_MAGIC,         PE_CONST(0x20b)) \
    X(IMAGE_ROM_OPTIONAL_HDR_MAGIC,          PE_CONST(0x107)) \
    X(SECTION_NO_PAD,                        PE_CONST(0x00000008)) \
    X(SECTION_CNT_CODE,                      PE_CONST(0x00000020)) \
    X(SECTION_CNT_INITIALIZED_DATA,          PE_CONST(0x00000040)) \
    X(SECTION_CNT_UNINITIALIZED_DATA,        PE_CONST(0x00000080)) \
    X(SECTION_LNK_OTHER,                     PE_CONST(0x00000100)) \
    X(SECTION_LNK_INFO,                      PE_CONST(0x00000200)) \
    X(SECTION_LNK_REMOVE,                    PE_CONST(0x00000800)) \
    X(SECTION_LNK_COMDAT,                    PE_CONST(0x00001000)) \
    X(SECTION_NO_DEFER_SPEC_EXC,             PE_CONST(0x00004000)) \
    X(SECTION_GPREL,                         PE_CONST(0x00008000)) \
    X(SECTION_MEM_FARDATA,                   PE_CONST(0x00008000)) \
    X(SECTION_MEM_PURGEABLE,                 PE_CONST(0x00020000)) \
    X(SECTION_MEM_16BIT,                     PE_CONST(0x00020000)) \
    X(SECTION_MEM_LOCKED,                    PE_CONST(0x00040000)) \
    X(SECTION_MEM_PRELOAD,                   PE_CONST(0x00080000)) \
    X(SECTION_ALIGN_1BYTES,                  PE_CONST(0x00100000)) \
    X(SECTION_ALIGN_2BYTES,                  PE_CONST(0x00200000)) \
    X(SECTION_ALIGN_4BYTES,                  PE_CONST(0x00300000)) \
    X(SECTION_ALIGN_8BYTES,                  PE_CONST(0x00400000)) \
    X(SECTION_ALIGN_16BYTES,                 PE_CONST(0x00500000)) \
    X(SECTION_ALIGN_32BYTES,                 PE_CONST(0x00600000)) \
    X(SECTION_ALIGN_64BYTES,                 PE_CONST(0x00700000)) \
    X(SECTION_ALIGN_128BYTES,                PE_CONST(0x00800000)) \
    X(SECTION_ALIGN_256BYTES,                PE_CONST(0x00900000)) \
    X(SECTION_ALIGN_512BYTES,                PE_CONST(0x00a00000)) \
    X(SECTION_ALIGN_1024BYTES,               PE_CONST(0x00b00000)) \
    X(SECTION_ALIGN_2048BYTES,               PE_CONST(0x00c00000)) \
    X(SECTION_ALIGN_4096BYTES,               PE_CONST(0x00d00000)) \
    X(SECTION_ALIGN_8192BYTES,               PE_CONST(0x00e00000)) \
    X(SECTION_ALIGN_MASK,                    PE_CONST(0x00f00000)) \
    X(SECTION_LNK_NRELOC_OVFL,               PE_CONST(0x01000000)) \
    X(SECTION_MEM_DISCARDABLE,               PE_CONST(0x02000000)) \
    X(SECTION_MEM_NOT_CACHED,                PE_CONST(0x04000000)) \
    X(SECTION_MEM_NOT_PAGED,                 PE_CONST(0x08000000)) \
    X(SECTION_MEM_SHARED,                    PE_CONST(0x10000000)) \
    X(SECTION_MEM_EXECUTE,                   PE_CONST(0x20000000)) \
    X(SECTION_MEM_READ,                      PE_CONST(0x40000000)) \
    X(SECTION_MEM_WRITE,                     PE_CONST(0x80000000)) \
    X(SECTION_SCALE_INDEX,                   PE_CONST(0x00000001)) \
    X(RESOURCE_TYPE_CURSOR,                  PE_CONST(1)) \
    X(RESOURCE_TYPE_BITMAP,                  PE_CONST(2)) \
    X(RESOURCE_TYPE_ICON,                    PE_CONST(3)) \
    X(RESOURCE_TYPE_MENU,                    PE_CONST(4)) \
    X(RESOURCE_TYPE_DIALOG,                  PE_CONST(5)) \
    X(RESOURCE_TYPE_STRING,                  PE_CONST(6)) \
    X(RESOURCE_TYPE_FONTDIR,                 PE_CONST(7)) \
    X(RESOURCE_TYPE_FONT,                    PE_CONST(8)) \
    X(RESOURCE_TYPE_ACCELERATOR,             PE_CONST(9)) \
    X(RESOURCE_TYPE_RCDATA,                  PE_CONST(10)) \
    X(RESOURCE_TYPE_MESSAGETABLE,            PE_CONST(11)) \
    X(RESOURCE_TYPE_GROUP_CURSOR,            PE_CONST(12)) \
    X(RESOURCE_TYPE_GROUP_ICON,              PE_CONST(14)) \
    X(RESOURCE_TYPE_VERSION,                 PE_CONST(16)) \
    X(RESOURCE_TYPE_DLGINCLUDE,              PE_CONST(17)) \
    X(RESOURCE_TYPE_PLUGPLAY,                PE_CONST(19)) \
    X(RESOURCE_TYPE_VXD,                     PE_CONST(20)) \
    X(RESOURCE_TYPE_ANICURSOR,               PE_CONST(21)) \
    X(RESOURCE_TYPE_ANIICON,                 PE_CONST(22)) \
    X(RESOURCE_TYPE_HTML,                    PE_CONST(23)) \
    X(RESOURCE_TYPE_MANIFEST,                PE_CONST(24)) \
    X(IMAGE_DEBUG_TYPE_UNKNOWN,              PE_CONST(0)) \
    X(IMAGE_DEBUG_TYPE_COFF,                 PE_CONST(1)) \
    X(IMAGE_DEBUG_TYPE_CODEVIEW,             PE_CONST(2)) \
    X(IMAGE_DEBUG_TYPE_FPO,                  PE_CONST(3)) \
    X(IMAGE_DEBUG_TYPE_MISC,                 PE_CONST(4)) \
    X(IMAGE_DEBUG_TYPE_EXCEPTION,            PE_CONST(5)) \
    X(IMAGE_DEBUG_TYPE_FIXUP,                PE_CONST(6)) \
    X(IMAGE_DEBUG_TYPE_OMAP_TO_SRC,          PE_CONST(7)) \
    X(IMAGE_DEBUG_TYPE_OMAP_FROM_SRC,        PE_CONST(8)) \
    X(IMAGE_DEBUG_TYPE_BORLAND,              PE_CONST(9)) \
    X(IMAGE_DEBUG_TYPE_RESERVED10,           PE_CONST(10)) \
    X(IMAGE_DEBUG_TYPE_CLSID,                PE_CONST(11)) \
    X(IMAGE_DEBUG_TYPE_VC_FEATURE,           PE_CONST(12)) \
    X(IMAGE_DEBUG_TYPE_POGO,                 PE_CONST(13)) \
    X(IMAGE_DEBUG_TYPE_ILTCG,                PE_CONST(14)) \
    X(IMAGE_DEBUG_TYPE_MPX,                  PE_CONST(15)) \
    X(IMAGE_DEBUG_TYPE_REPRO,                PE_CONST(16)) \
    X(IMPORT_DELAYED,                        PE_CONST(2)) \
    X(IMPORT_STANDARD,                       PE_CONST(1)) \
    X(IMPORT_ANY,                            PE_CONST(-1))

#define PE_ROOT_FIELDS(X) \
    X(is_pe,                                 PE_INT, .everywhere = true) \
    X(machine,                               PE_INT) \
    X(number_of_sections,                    PE_INT) \
    X(timestamp,                             PE_INT) \
    X(pointer_to_symbol_table,               PE_INT) \
    X(number_of_symbols,                     PE_INT) \
    X(size_of_optional_header,               PE_INT) \
    X(characteristics,                       PE_INT) \
    X(entry_point,                           PE_INT) \
    X(entry_point_raw,                       PE_INT) \
    X(image_base,                            PE_INT) \
    X(number_of_rva_and_sizes,               PE_INT) \
    X(number_of_version_infos,               PE_INT, PE_LAZY(pe_fill_resources)) \
    X(version_info, .type = TYPE_DICT, .item = TYPE_STRING, PE_LAZY(pe_fill_resources)) \
    X(version_info_list, PE_ARRAY(pe_version_fields), PE_LAZY(pe_fill_resources)) \
    X(opthdr_magic,                          PE_INT) \
    X(size_of_code,                          PE_INT) \
    X(size_of_initialized_data,              PE_INT) \
    X(size_of_uninitialized_data,            PE_INT) \
    X(base_of_code,                          PE_INT) \
    X(base_of_data,                          PE_INT) \
    X(section_alignment,                     PE_INT) \
    X(file_alignment,                        PE_INT) \
    X(linker_version,                        PE_STRUCT(pe_pair_fields)) \
    X(os_version,                            PE_STRUCT(pe_pair_fields)) \
    X(image_version,                         PE_STRUCT(pe_pair_fields)) \
    X(subsystem_version,                     PE_STRUCT(pe_pair_fields)) \
    X(win32_version_value,                   PE_INT) \
    X(size_of_image,                         PE_INT) \
    X(size_of_headers,                       PE_INT) \
    X(checksum,                              PE_INT) \
    X(calculate_checksum,                    PE_CALLS(pe_checksum_calls)) \
    X(subsystem,                             PE_INT) \
    X(dll_characteristics,                   PE_INT) \
    X(size_of_stack_reserve,                 PE_INT) \
    X(size_of_stack_commit,                  PE_INT) \
    X(size_of_heap_reserve,                  PE_INT) \
    X(size_of_heap_commit,                   PE_INT) \
    X(loader_flags,                          PE_INT) \
    X(data_directories, PE_ARRAY(pe_directory_fields), PE_LAZY(pe_fill_directories)) \
    X(sections, PE_ARRAY(pe_section_fields), PE_LAZY(pe_fill_sections)) \
    X(overlay,                               PE_STRUCT(pe_overlay_fields)) \
    X(rich_signature,                        PE_STRUCT(pe_rich_fields)) \
    X(imphash,                               PE_CALLS(pe_imphash_calls)) \
    X(section_index,                         PE_CALLS(pe_section_index_calls)) \
    X(exports,                               PE_CALLS(pe_exports_calls)) \
    X(exports_index,                         PE_CALLS(pe_exports_index_calls)) \
    X(imports,                               PE_CALLS(pe_imports_calls)) \
    X(import_rva,                            PE_CALLS(pe_import_rva_calls)) \
    X(delayed_import_rva,                    PE_CALLS(pe_delayed_rva_calls)) \
    X(locale,                                PE_CALLS(pe_locale_calls)) \
    X(language,                              PE_CALLS(pe_language_calls)) \
    X(is_dll,                                PE_CALLS(pe_is_dll_calls)) \
    X(is_32bit,                              PE_CALLS(pe_is_32bit_calls)) \
    X(is_64bit,                              PE_CALLS(pe_is_64bit_calls)) \
    X(number_of_imports,                     PE_INT, PE_LAZY(pe_fill_import_counts)) \
    X(number_of_imported_functions,          PE_INT, PE_LAZY(pe_fill_import_counts)) \
    X(number_of_delayed_imports,             PE_INT, PE_LAZY(pe_fill_delayed_counts)) \
    X(number_of_delayed_imported_functions,  PE_INT, PE_LAZY(pe_fill_delayed_counts)) \
    X(number_of_exports,                     PE_INT, PE_LAZY(pe_fill_export_counts)) \
    X(dll_name,                              PE_TEXT, PE_LAZY(pe_fill_export_counts)) \
    X(export_timestamp,                      PE_INT, PE_LAZY(pe_fill_export_counts)) \
    X(export_details, PE_ARRAY(pe_export_fields), PE_LAZY(pe_fill_exports)) \
    X(import_details, PE_ARRAY(pe_library_fields), PE_LAZY(pe_fill_import_details)) \
    X(delayed_import_details, PE_ARRAY(pe_library_fields), PE_LAZY(pe_fill_delayed_details)) \
    X(resource_timestamp,                    PE_INT, PE_LAZY(pe_fill_resources)) \
    X(resource_version,                      PE_STRUCT(pe_resource_version_fields)) \
    X(resources, PE_ARRAY(pe_resource_fields), PE_LAZY(pe_fill_resources)) \
    X(number_of_resources,                   PE_INT, PE_LAZY(pe_fill_resources)) \
    X(pdb_path,                              PE_TEXT, PE_LAZY(pe_fill_debug)) \
    X(signatures, PE_ARRAY(pe_signature_fields), PE_LAZY(pe_fill_signatures)) \
    X(is_signed,                             PE_INT, PE_LAZY(pe_fill_signatures)) \
    X(number_of_signatures,                  PE_INT, PE_LAZY(pe_fill_signatures)) \
    X(rva_to_offset,                         PE_CALLS(pe_rva_to_offset_calls))

#define PE_PAIR_FIELDS(X) \
    X(major,                                 PE_INT) \
    X(minor,                                 PE_INT)

#define PE_RESOURCE_VERSION_FIELDS(X) \
    X(major,                                 PE_INT, PE_LAZY(pe_fill_resource_version)) \
    X(minor,                                 PE_INT, PE_LAZY(pe_fill_resource_version))

#define PE_VERSION_FIELDS(X) \
    X(key,                                   PE_TEXT) \
    X(value,                                 PE_TEXT)

#define PE_DIRECTORY_FIELDS(X) \
    X(virtual_address,                       PE_INT) \
    X(size,                                  PE_INT)

#define PE_SECTION_FIELDS(X) \
    X(name,                                  PE_TEXT) \
    X(full_name,                             PE_TEXT) \
    X(characteristics,                       PE_INT) \
    X(virtual_address,                       PE_INT) \
    X(virtual_size,                          PE_INT) \
    X(raw_data_offset,                       PE_INT) \
    X(raw_data_size,                         PE_INT) \
    X(pointer_to_relocations,                PE_INT) \
    X(pointer_to_line_numbers,               PE_INT) \
    X(number_of_relocations,                 PE_INT) \
    X(number_of_line_numbers,                PE_INT)

#define PE_OVERLAY_FIELDS(X) \
    X(offset,                                PE_INT, PE_LAZY(pe_fill_overlay)) \
    X(size,                                  PE_INT, PE_LAZY(pe_fill_overlay))

#define PE_RICH_FIELDS(X) \
    X(offset,                                PE_INT, PE_LAZY(pe_fill_rich)) \
    X(length,                                PE_INT, PE_LAZY(pe_fill_rich)) \
    X(key,                                   PE_INT, PE_LAZY(pe_fill_rich)) \
    X(raw_data,                              PE_TEXT, PE_LAZY(pe_fill_rich)) \
    X(clear_data,                            PE_TEXT, PE_LAZY(pe_fill_rich)) \
    X(version_data,                          PE_TEXT, PE_LAZY(pe_fill_rich)) \
    X(version,                               PE_CALLS(pe_rich_version_calls)) \
    X(toolid,                                PE_CALLS(pe_rich_toolid_calls))

#define PE_EXPORT_FIELDS(X) \
    X(offset,                                PE_INT) \
    X(name,                                  PE_TEXT) \
    X(forward_name,                          PE_TEXT) \
    X(ordinal,                               PE_INT) \
    X(rva,                                   PE_INT)

#define PE_FUNCTION_FIELDS(X) \
    X(name,                                  PE_TEXT) \
    X(ordinal,                               PE_INT) \
    X(rva,                                   PE_INT)

#define PE_LIBRARY_FIELDS(X) \
    X(library_name,                          PE_TEXT) \
    X(number_of_functions,                   PE_INT) \
    X(functions,                             PE_ARRAY(pe_function_fields))

#define PE_RESOURCE_FIELDS(X) \
    X(rva,                                   PE_INT) \
    X(offset,                                PE_INT) \
    X(length,                                PE_INT) \
    X(type,                                  PE_INT) \
    X(id,                                    PE_INT) \
    X(language,                              PE_INT) \
    X(type_string,                           PE_TEXT) \
    X(name_string,                           PE_TEXT) \
    X(language_string,                       PE_TEXT)

#define PE_CERTIFICATE_FIELDS(X) \
    X(thumbprint,                            PE_TEXT) \
    X(issuer,                                PE_TEXT) \
    X(subject,                               PE_TEXT) \
    X(version,                               PE_INT) \
    X(algorithm,                             PE_TEXT) \
    X(algorithm_oid,                         PE_TEXT) \
    X(serial,                                PE_TEXT) \
    X(not_before,                            PE_INT) \
    X(not_after,                             PE_INT)

#define PE_SIGNER_FIELDS(X) \
    X(program_name,                          PE_TEXT) \
    X(digest,                                PE_TEXT) \
    X(digest_alg,                            PE_TEXT) \
    X(length_of_chain,                       PE_INT) \
    X(chain,                                 PE_ARRAY(pe_certificate_fields))

#define PE_COUNTER_FIELDS(X) \
    X(verified,                              PE_INT) \
    X(sign_time,                             PE_INT) \
    X(digest_alg,                            PE_TEXT) \
    X(digest,                                PE_TEXT) \
    X(length_of_chain,                       PE_INT) \
    X(chain,                                 PE_ARRAY(pe_certificate_fields))

#define PE_SIGNATURE_FIELDS(X) \
    X(thumbprint,                            PE_TEXT) \
    X(issuer,                                PE_TEXT) \
    X(subject,                               PE_TEXT) \
    X(version,                               PE_INT) \
    X(algorithm,                             PE_TEXT) \
    X(algorithm_oid,                         PE_TEXT) \
    X(serial,                                PE_TEXT) \
    X(not_before,                            PE_INT) \
    X(not_after,                             PE_INT) \
    X(verified,                              PE_INT) \
    X(digest_alg,                            PE_TEXT) \
    X(digest,                                PE_TEXT) \
    X(file_digest,                           PE_TEXT) \
    X(number_of_certificates,                PE_INT) \
    X(certificates,                          PE_ARRAY(pe_certificate_fields)) \
    X(signer_info,                           PE_STRUCT(pe_signer_fields)) \
    X(number_of_countersignatures,           PE_INT) \
    X(countersignatures,                     PE_ARRAY(pe_counter_fields)) \
    X(valid_on,                              PE_CALLS(pe_valid_on_calls))

/* PE_ROOT_is_pe, PE_SECTION_name, ... */
#define PE_NUMBER_ROOT(n, ...) PE_ROOT_##n,
#define PE_NUMBER_PAIR(n, ...) PE_PAIR_##n,
#define PE_NUMBER_RESOURCE_VERSION(n, ...) PE_RESOURCE_VERSION_##n,
#define PE_NUMBER_VERSION(n, ...) PE_VERSION_##n,
#define PE_NUMBER_DIRECTORY(n, ...) PE_DIRECTORY_##n,
#define PE_NUMBER_SECTION(n, ...) PE_SECTION_##n,
#define PE_NUMBER_OVERLAY(n, ...) PE_OVERLAY_##n,
#define PE_NUMBER_RICH(n, ...) PE_RICH_##n,
#define PE_NUMBER_EXPORT(n, ...) PE_EXPORT_##n,
#define PE_NUMBER_FUNCTION(n, ...) PE_FUNCTION_##n,
#define PE_NUMBER_LIBRARY(n, ...) PE_LIBRARY_##n,
#define PE_NUMBER_RESOURCE(n, ...) PE_RESOURCE_##n,
#define PE_NUMBER_CERTIFICATE(n, ...) PE_CERTIFICATE_##n,
#define PE_NUMBER_SIGNER(n, ...) PE_SIGNER_##n,
#define PE_NUMBER_COUNTER(n, ...) PE_COUNTER_##n,
#define PE_NUMBER_SIGNATURE(n, ...) PE_SIGNATURE_##n,

enum pe_root_field {
    PE_CONSTANTS(PE_NUMBER_ROOT)
    PE_ROOT_FIELDS(PE_NUMBER_ROOT)
};
enum pe_pair_field { PE_PAIR_FIELDS(PE_NUMBER_PAIR) };
enum pe_resource_version_field {
    PE_RESOURCE_VERSION_FIELDS(PE_NUMBER_RESOURCE_VERSION)
};
enum pe_version_field { PE_VERSION_FIELDS(PE_NUMBER_VERSION) };
enum pe_directory_field { PE_DIRECTORY_FIELDS(PE_NUMBER_DIRECTORY) };
enum pe_section_field { PE_SECTION_FIELDS(PE_NUMBER_SECTION) };
enum pe_overlay_field { PE_OVERLAY_FIELDS(PE_NUMBER_OVERLAY) };
enum pe_rich_field { PE_RICH_FIELDS(PE_NUMBER_RICH) };
enum pe_export_field { PE_EXPORT_FIELDS(PE_NUMBER_EXPORT) };
enum pe_function_field { PE_FUNCTION_FIELDS(PE_NUMBER_FUNCTION) };
enum pe_library_field { PE_LIBRARY_FIELDS(PE_NUMBER_LIBRARY) };
enum pe_resource_field { PE_RESOURCE_FIELDS(PE_NUMBER_RESOURCE) };
enum pe_certificate_field { PE_CERTIFICATE_FIELDS(PE_NUMBER_CERTIFICATE) };
enum pe_signer_field { PE_SIGNER_FIELDS(PE_NUMBER_SIGNER) };
enum pe_counter_field { PE_COUNTER_FIELDS(PE_NUMBER_COUNTER) };
enum pe_signature_field { PE_SIGNATURE_FIELDS(PE_NUMBER_SIGNATURE) };

extern const struct field pe_root_fields[], pe_pair_fields[], pe_resource_version_fields[], pe_version_fields[],
    pe_directory_fields[], pe_section_fields[], pe_overlay_fields[], pe_rich_fields[], pe_export_fields[],
    pe_function_fields[], pe_library_fields[], pe_resource_fields[],
    pe_certificate_fields[], pe_signer_fields[], pe_counter_fields[], pe_signature_fields[];
extern const struct field pe_pair_fields[];
extern const struct field pe_resource_version_fields[];
extern const struct field pe_version_fields[];
extern const struct field pe_directory_fields[];
extern const struct field pe_section_fields[];
extern const struct field pe_overlay_fields[];
extern const struct field pe_rich_fields[];
extern const struct field pe_export_fields[];
extern const struct field pe_function_fields[];
extern const struct field pe_library_fields[];
extern const struct field pe_resource_fields[];
extern const struct field pe_certificate_fields[];
extern const struct field pe_signer_fields[];
extern const struct field pe_counter_fields[];
extern const struct field pe_signature_fields[];
/* clang-format on */
