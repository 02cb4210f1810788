/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - see wire.h. */

#include "core/proto/sstp/wire.h"

enum { LENGTH_MASK = 0x0fff, ATTRIBUTE_HEADER = 4, STATUS_SIZE = 12, ACK_REQUEST_SIZE = 40 };

int
sstp_record_length(struct reader first)
{
    uint8_t version = reader_u8(&first);

    if (reader_ok(&first) && version != SSTP_VERSION)
        return -1;
    uint8_t flags = reader_u8(&first);
    int len = reader_u16(&first) & LENGTH_MASK;
    if (!reader_ok(&first))
        return 0;
    return len < (flags & 1 ? SSTP_CONTROL_HEADER : SSTP_HEADER) ? -1 : len;
}

bool
sstp_control_parse(struct reader record, struct sstp_control *out)
{
    (void)reader_take(&record, SSTP_HEADER);
    uint16_t type = reader_u16(&record);
    uint16_t n = reader_u16(&record);
    struct reader check = record;
    struct reader value;
    uint8_t id = 0;
    unsigned found = 0;

    while (sstp_next_attribute(&check, &id, &value))
        found++;
    if (!reader_ok(&record) || !reader_ok(&check) || found != n)
        return false;
    *out = (struct sstp_control){type, n, record};
    return true;
}

bool
sstp_next_attribute(struct reader *r, uint8_t *id, struct reader *value)
{
    if (r->failed || r->left == 0)
        return false;
    (void)reader_u8(r);
    *id = reader_u8(r);
    size_t len = reader_u16(r) & LENGTH_MASK;
    if (!reader_ok(r) || len < ATTRIBUTE_HEADER) {
        reader_fail(r);
        return false;
    }
    *value = reader_sub(r, len - ATTRIBUTE_HEADER);
    return reader_ok(value);
}

void
sstp_write_control(struct writer *w, enum sstp_message type, unsigned n_attributes, size_t body)
{
    writer_u8(w, SSTP_VERSION);
    writer_u8(w, 1);
    writer_u16(w, (uint16_t)(SSTP_CONTROL_HEADER + body));
    writer_u16(w, (uint16_t)type);
    writer_u16(w, (uint16_t)n_attributes);
}

static void
write_attribute(struct writer *w, uint8_t id, size_t whole)
{
    writer_u8(w, 0);
    writer_u8(w, id);
    writer_u16(w, (uint16_t)whole);
}

void
sstp_write_status(struct writer *w, enum sstp_message type, uint8_t attribute,
                  enum sstp_status status)
{
    sstp_write_control(w, type, 1, STATUS_SIZE);
    write_attribute(w, SSTP_STATUS_INFO, STATUS_SIZE);
    writer_zero(w, 3);
    writer_u8(w, attribute);
    writer_u32(w, (uint32_t)status);
}

void
sstp_write_connect_ack(struct writer *w, unsigned hashes, const uint8_t nonce[SSTP_NONCE])
{
    sstp_write_control(w, SSTP_CALL_CONNECT_ACK, 1, ACK_REQUEST_SIZE);
    write_attribute(w, SSTP_CRYPTO_BINDING_REQUEST, ACK_REQUEST_SIZE);
    writer_zero(w, 3);
    writer_u8(w, (uint8_t)hashes);
    writer_bytes(w, nonce, SSTP_NONCE);
}
