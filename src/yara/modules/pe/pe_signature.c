/* pe_signature — Authenticode: finds the signatures of an image and puts them into fields.
 *
 * The security directory names a file offset (not an RVA) and size: u32 length, u16 revision,
 * u16 type, then the PKCS #7 that shim/authenticode reads. Signed is all before it but the
 * header's checksum and the directory's own entry. */
#include "yara/modules/pe/pe_fields.h"

#include <errno.h>

#include "shim/authenticode.h"

enum {
    CERTIFICATE_HEAD = 8,
    CHECKSUM = PE_FILE_HEADER_SIZE + 64, /* after "PE\0\0" */
};

static void put_optional(struct object *self, int field, bytes value)
{
    if (value.at)
        pe_put_text(self, field, value);
}

/* The first fields of a signature are those of a certificate. */
_Static_assert((int)PE_SIGNATURE_not_after == (int)PE_CERTIFICATE_not_after, "same numbers");

static void put_certificate(struct object *self, const struct authenticode_certificate *cert)
{
    put_optional(self, PE_CERTIFICATE_thumbprint, cert->thumbprint);
    put_optional(self, PE_CERTIFICATE_issuer, cert->issuer);
    put_optional(self, PE_CERTIFICATE_subject, cert->subject);
    put_optional(self, PE_CERTIFICATE_algorithm, cert->algorithm);
    put_optional(self, PE_CERTIFICATE_algorithm_oid, cert->algorithm_oid);
    put_optional(self, PE_CERTIFICATE_serial, cert->serial);
    pe_put_int(self, PE_CERTIFICATE_version, cert->version);
    pe_put_int(self, PE_CERTIFICATE_not_before, cert->not_before);
    pe_put_int(self, PE_CERTIFICATE_not_after, cert->not_after);
}

static int put_chain(struct arena *arena, struct object *array,
                     const struct authenticode_chain *chain)
{
    for (uint32_t i = 0; i < chain->n; i++) {
        struct object *item = array_push(arena, array);
        if (!item)
            return -ENOMEM;
        put_certificate(item, &chain->at[i]);
    }
    return 0;
}

static int put_stamp(struct arena *arena, struct object *self,
                     const struct authenticode_stamp *stamp)
{
    pe_put_int(self, PE_COUNTER_verified, stamp->verified);
    pe_put_int(self, PE_COUNTER_sign_time, stamp->time);
    put_optional(self, PE_COUNTER_digest_alg, stamp->digest_name);
    put_optional(self, PE_COUNTER_digest, stamp->digest);
    pe_put_int(self, PE_COUNTER_length_of_chain, stamp->chain.n);
    return put_chain(arena, pe_object(self, PE_COUNTER_chain), &stamp->chain);
}

static int put_signer(struct arena *arena, struct object *self,
                      const struct authenticode_signature *signature)
{
    struct object *signer = pe_object(self, PE_SIGNATURE_signer_info);
    if (!signature->has_signer)
        return 0;
    if (signature->chain.n)
        put_certificate(self, &signature->chain.at[0]);
    put_optional(signer, PE_SIGNER_program_name, signature->signer_program);
    put_optional(signer, PE_SIGNER_digest_alg, signature->signer_digest_name);
    put_optional(signer, PE_SIGNER_digest, signature->signer_digest);
    pe_put_int(signer, PE_SIGNER_length_of_chain, signature->chain.n);
    return put_chain(arena, pe_object(signer, PE_SIGNER_chain), &signature->chain);
}

static int put_signature(struct arena *arena, struct object *self,
                         const struct authenticode_signature *signature)
{
    pe_put_int(self, PE_SIGNATURE_verified, signature->verified);
    put_optional(self, PE_SIGNATURE_digest_alg, signature->digest_name);
    put_optional(self, PE_SIGNATURE_digest, signature->digest);
    put_optional(self, PE_SIGNATURE_file_digest, signature->file_digest);
    pe_put_int(self, PE_SIGNATURE_number_of_certificates, signature->certificates.n);
    pe_put_int(self, PE_SIGNATURE_number_of_countersignatures, signature->stamp_count);
    int error =
        put_chain(arena, pe_object(self, PE_SIGNATURE_certificates), &signature->certificates);
    if (!error)
        error = put_signer(arena, self, signature);
    for (uint32_t i = 0; !error && i < signature->stamp_count; i++) {
        struct object *item =
            array_push(arena, pe_object(self, PE_SIGNATURE_countersignatures));
        error = item ? put_stamp(arena, item, &signature->stamps[i]) : -ENOMEM;
    }
    return error;
}

/* The PKCS #7 of the directory, and the signed parts of the file. False when there is none. */
static bool find_signature(const struct pe_image *image, bytes *ret_pkcs7, bytes ret_parts[3],
                           size_t *ret_count)
{
    uint32_t at, size, length;
    bytes data = image->data;
    if (!pe_image_directory(image, PE_DIRECTORY_SECURITY, &at, &size) || at == 0 ||
        at > data.len || size > data.len || (uint32_t)(at + size) > data.len ||
        size < CERTIFICATE_HEAD || !bytes_has(data, at, CERTIFICATE_HEAD) ||
        !bytes_le32(data, at, &length) || !bytes_has(data, at, length) ||
        length <= CERTIFICATE_HEAD)
        return false;
    *ret_pkcs7 = bytes_slice(data, at + CERTIFICATE_HEAD, length - CERTIFICATE_HEAD);
    size_t checksum = image->header + CHECKSUM, entry = checksum + 64 + (image->is_64 ? 16 : 0);
    *ret_count = at >= entry + 8 ? 3 : 0;
    ret_parts[0] = bytes_slice(data, 0, checksum);
    ret_parts[1] = bytes_slice(data, checksum + 4, entry - checksum - 4);
    ret_parts[2] = bytes_slice(data, entry + 8, at >= entry + 8 ? at - entry - 8 : 0);
    return true;
}

int pe_fill_signatures(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    struct authenticode found = {0};
    bytes pkcs7, parts[3];
    size_t count;
    if (!pe)
        return 0;
    int error = 0;
    if (find_signature(&pe->image, &pkcs7, parts, &count))
        error = authenticode_read(pkcs7, parts, count, in->arena, in->budget, &found);
    bool is_signed = false;
    for (uint32_t i = 0; !error && i < found.count; i++) {
        struct object *item = array_push(in->arena, pe_object(self, PE_ROOT_signatures));
        error = item ? put_signature(in->arena, item, &found.signatures[i]) : -ENOMEM;
        is_signed |= found.signatures[i].verified;
    }
    pe_put_int(self, PE_ROOT_is_signed, is_signed);
    pe_put_int(self, PE_ROOT_number_of_signatures, found.count);
    return error;
}
