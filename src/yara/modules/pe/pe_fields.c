#include "yara/modules/pe/pe_fields.h"

#define PE_ROW(n, ...) {.name = #n, __VA_ARGS__},

/* clang-format off */
const struct field pe_pair_fields[] = {PE_PAIR_FIELDS(PE_ROW) FIELD_END};
const struct field pe_resource_version_fields[] =
    {PE_RESOURCE_VERSION_FIELDS(PE_ROW) FIELD_END};
const struct field pe_version_fields[] = {PE_VERSION_FIELDS(PE_ROW) FIELD_END};
const struct field pe_directory_fields[] = {PE_DIRECTORY_FIELDS(PE_ROW) FIELD_END};
const struct field pe_section_fields[] = {PE_SECTION_FIELDS(PE_ROW) FIELD_END};
const struct field pe_overlay_fields[] = {PE_OVERLAY_FIELDS(PE_ROW) FIELD_END};
const struct field pe_rich_fields[] = {PE_RICH_FIELDS(PE_ROW) FIELD_END};
const struct field pe_export_fields[] = {PE_EXPORT_FIELDS(PE_ROW) FIELD_END};
const struct field pe_function_fields[] = {PE_FUNCTION_FIELDS(PE_ROW) FIELD_END};
const struct field pe_library_fields[] = {PE_LIBRARY_FIELDS(PE_ROW) FIELD_END};
const struct field pe_resource_fields[] = {PE_RESOURCE_FIELDS(PE_ROW) FIELD_END};
const struct field pe_certificate_fields[] = {PE_CERTIFICATE_FIELDS(PE_ROW) FIELD_END};
const struct field pe_signer_fields[] = {PE_SIGNER_FIELDS(PE_ROW) FIELD_END};
const struct field pe_counter_fields[] = {PE_COUNTER_FIELDS(PE_ROW) FIELD_END};
const struct field pe_signature_fields[] = {PE_SIGNATURE_FIELDS(PE_ROW) FIELD_END};
const struct field pe_root_fields[] = {PE_CONSTANTS(PE_ROW) PE_ROOT_FIELDS(PE_ROW) FIELD_END};
