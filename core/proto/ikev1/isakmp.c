/* SPDX-License-Identifier: Apache-2.0 */
/* isakmp.c - see isakmp.h. */

#include "core/proto/ikev1/isakmp.h"

enum {
    VERSION_MAJOR = 1,
    GENERIC = 4,    /* next payload, reserved, length */
    NEXT_AT = 16,   /* in the header */
    LENGTH_AT = 24, /* in the header */
    BASIC = 0x8000, /* the attribute's value is where its length would be */
    NUMBER_MAX = 8, /* octets */
    LENGTH_MAX = 0xffff,
};

/* ---- reading ---- */

bool
isakmp_header_read(struct reader *r, struct isakmp_header *out)
{
    struct isakmp_header h;

    reader_copy(r, h.initiator, sizeof(h.initiator));
    reader_copy(r, h.responder, sizeof(h.responder));
    h.next = reader_u8(r);
    h.version = reader_u8(r);
    h.exchange = reader_u8(r);
    h.flags = reader_u8(r);
    h.message_id = reader_u32(r);
    h.length = reader_u32(r);
    if (!reader_ok(r) || h.version >> 4 != VERSION_MAJOR || h.length < ISAKMP_HEADER)
        return false;
    if (h.length - ISAKMP_HEADER > r->left)
        return false;
    r->left = h.length - ISAKMP_HEADER;
    *out = h;
    return true;
}

bool
isakmp_payloads_read(struct reader body, uint8_t first, struct isakmp_payloads *out)
{
    uint8_t type = first;

    out->n = 0;
    while (type != ISAKMP_NONE) {
        if (out->n == ISAKMP_PAYLOADS_MAX)
            return false;
        struct isakmp_payload *p = &out->p[out->n];
        p->type = type;
        p->start = body.at;
        type = reader_u8(&body);
        (void)reader_u8(&body);
        size_t len = reader_u16(&body);
        if (!reader_ok(&body) || len < GENERIC)
            return false;
        p->body = reader_sub(&body, len - GENERIC);
        if (!reader_ok(&body))
            return false;
        out->n++;
    }
    out->end = body.at;
    return true;
}

const struct isakmp_payload *
isakmp_find(const struct isakmp_payloads *all, uint8_t type, unsigned n)
{
    for (unsigned i = 0; i < all->n; i++)
        if (all->p[i].type == type && n-- == 0)
            return &all->p[i];
    return NULL;
}

/* ---- attributes (RFC 2408, 3.3) ---- */

bool
isakmp_attribute_next(struct reader *r, struct isakmp_attribute *out)
{
    if (r->failed || r->left == 0)
        return false;
    uint16_t type = reader_u16(r);
    size_t len = type & BASIC ? 2 : reader_u16(r);
    struct reader value = reader_sub(r, len);
    if (!reader_ok(r))
        return false;
    out->type = type & (BASIC - 1);
    out->value = value;
    return true;
}

uint64_t
isakmp_attribute_number(const struct isakmp_attribute *a)
{
    struct reader r = a->value;
    uint64_t n = 0;

    if (r.left > NUMBER_MAX)
        return UINT64_MAX;
    while (r.left > 0)
        n = n << 8 | reader_u8(&r);
    return n;
}

/* ---- writing ---- */

static void
patch_u16(struct writer *w, size_t offset, size_t v)
{
    if (w->failed || v > LENGTH_MAX) {
        w->failed = true;
        return;
    }
    w->start[offset] = (uint8_t)(v >> 8);
    w->start[offset + 1] = (uint8_t)v;
}

void
isakmp_begin(struct isakmp_writer *m, struct writer *w, const struct isakmp_header *h)
{
    *m = (struct isakmp_writer){.w = w, .message = w->len};
    m->next_at = m->message + NEXT_AT;
    m->length_at = m->message + LENGTH_AT;
    writer_bytes(w, h->initiator, sizeof(h->initiator));
    writer_bytes(w, h->responder, sizeof(h->responder));
    writer_u8(w, ISAKMP_NONE);
    writer_u8(w, VERSION_MAJOR << 4);
    writer_u8(w, h->exchange);
    writer_u8(w, h->flags);
    writer_u32(w, h->message_id);
    writer_u32(w, 0);
}

static void
end_payload(struct isakmp_writer *m)
{
    if (m->payload > 0)
        patch_u16(m->w, m->payload + 2, m->w->len - m->payload);
    m->payload = 0;
}

void
isakmp_payload_begin(struct isakmp_writer *m, uint8_t type)
{
    end_payload(m);
    size_t at = m->w->len;
    writer_u8(m->w, ISAKMP_NONE);
    writer_zero(m->w, GENERIC - 1);
    if (!writer_ok(m->w))
        return;
    m->w->start[m->next_at] = type;
    m->next_at = at;
    m->payload = at;
}

void
isakmp_payload_add(struct isakmp_writer *m, uint8_t type, const void *body, size_t len)
{
    isakmp_payload_begin(m, type);
    writer_bytes(m->w, body, len);
}

void
isakmp_end_padded(struct isakmp_writer *m, size_t block)
{
    end_payload(m);
    size_t past = (m->w->len - m->message - ISAKMP_HEADER) % block;
    if (writer_ok(m->w) && past > 0)
        writer_zero(m->w, block - past);
    if (writer_ok(m->w))
        writer_patch_u32(m->w, m->length_at, (uint32_t)(m->w->len - m->message));
}

void
isakmp_end(struct isakmp_writer *m)
{
    isakmp_end_padded(m, 1);
}
