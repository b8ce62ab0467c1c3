#include "unpack/document/packed.h"

#include "unpack/archive/decode.h"

bool packed_child(struct unpack *unpack, bytes name, enum stream_kind kind, bytes data)
{
    return unpack_begin(unpack, name) &&
           decode_noted(unpack, decode_stream(unpack, kind, &data)) && unpack_end(unpack);
}
