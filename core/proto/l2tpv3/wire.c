/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - reading and building control messages. */
#include "core/proto/l2tpv3/wire.h"

#include "core/net/wire.h"

enum {
    AVP_HEADER = 6,
    AVP_MANDATORY = 0x8000,
    AVP_HIDDEN = 0x4000,
    AVP_LENGTH = 0x03ff,
    CONTROL_MASK = 0xc80f, /* T, L, S and the version; other bits are ignored */
    AT_LENGTH = 2,
};

/* ---- reading ---- */

static void
take_cookie(struct l2tpv3_message *m, struct reader value)
{
    size_t len = value.left;

    if (len != 4 && len != ROUTER_COOKIE_MAX)
        return;
    m->cookie_len = (uint8_t)len;
    reader_copy(&value, m->cookie, len);
}

/* Cisco's number as that of the RFC; UINT16_MAX: it has none. */
static uint16_t
of_cisco(uint16_t avp)
{
    switch (avp) {
    case L2TPV3_CISCO_CONNECTION:
        return L2TPV3_AVP_CONNECTION;
    case L2TPV3_CISCO_PW_CAPABILITIES:
        return L2TPV3_AVP_PW_CAPABILITIES;
    case L2TPV3_CISCO_LOCAL_SESSION:
        return L2TPV3_AVP_LOCAL_SESSION;
    case L2TPV3_CISCO_REMOTE_SESSION:
        return L2TPV3_AVP_REMOTE_SESSION;
    case L2TPV3_CISCO_COOKIE:
        return L2TPV3_AVP_COOKIE;
    case L2TPV3_CISCO_REMOTE_END:
        return L2TPV3_AVP_REMOTE_END;
    case L2TPV3_CISCO_PW_TYPE:
        return L2TPV3_AVP_PW_TYPE;
    case L2TPV3_CISCO_CIRCUIT_STATUS:
        return L2TPV3_AVP_CIRCUIT_STATUS;
    default:
        return UINT16_MAX;
    }
}

/* What is not known is ignored, also where the peer calls it mandatory. False: cut off. */
static bool
take_avp(struct l2tpv3_message *m, uint16_t avp, struct reader v)
{
    switch (avp) {
    case L2TPV3_AVP_RESULT:
        m->result = reader_u16(&v);
        break;
    case L2TPV3_AVP_HOST_NAME:
        m->host_name = v;
        break;
    case L2TPV3_AVP_VENDOR_NAME:
        m->vendor_name = v;
        break;
    case L2TPV3_AVP_WINDOW:
        m->window = reader_u16(&v);
        break;
    case L2TPV3_AVP_CONNECTION:
        m->assigned_connection = reader_u32(&v);
        break;
    case L2TPV3_AVP_LOCAL_SESSION:
        m->local_session = reader_u32(&v);
        break;
    case L2TPV3_AVP_REMOTE_SESSION:
        m->remote_session = reader_u32(&v);
        m->has_remote_session = true;
        break;
    case L2TPV3_AVP_COOKIE:
        take_cookie(m, v);
        break;
    case L2TPV3_AVP_REMOTE_END:
        m->remote_end = v;
        break;
    case L2TPV3_AVP_PW_TYPE:
        m->pw_type = reader_u16(&v);
        m->has_pw_type = true;
        break;
    case L2TPV3_AVP_SUBLAYER:
        m->sublayer = reader_u16(&v);
        break;
    case L2TPV3_AVP_CIRCUIT_STATUS:
        m->circuit_status = reader_u16(&v);
        break;
    default:
        break;
    }
    return reader_ok(&v);
}

/* The next attribute; false: malformed. */
static bool
read_avp(struct l2tpv3_message *m, struct reader *body, bool first)
{
    uint16_t bits = reader_u16(body);
    uint16_t vendor = reader_u16(body);
    uint16_t avp = reader_u16(body);
    size_t len = bits & AVP_LENGTH;

    if (!reader_ok(body) || len < AVP_HEADER)
        return false;
    struct reader value = reader_sub(body, len - AVP_HEADER);
    if (!reader_ok(&value))
        return false;
    if (first) {
        m->type = reader_u16(&value);
        return vendor == 0 && avp == L2TPV3_AVP_TYPE && reader_ok(&value) && m->type != L2TPV3_ZLB;
    }
    if (bits & AVP_HIDDEN) /* there is no secret to open it with */
        return true;
    if (vendor == L2TPV3_VENDOR_CISCO) {
        m->cisco = true;
        avp = of_cisco(avp);
    } else if (vendor != 0) {
        return true;
    }
    return take_avp(m, avp, value);
}

bool
l2tpv3_parse(struct reader packet, struct l2tpv3_message *out)
{
    struct l2tpv3_message m = {.type = L2TPV3_ZLB};
    size_t whole = packet.left;
    uint16_t bits = reader_u16(&packet);
    uint16_t length = reader_u16(&packet);

    m.connection = reader_u32(&packet);
    m.ns = reader_u16(&packet);
    m.nr = reader_u16(&packet);
    if (!reader_ok(&packet) || (bits & CONTROL_MASK) != L2TPV3_CONTROL_BITS ||
        length < L2TPV3_HEADER || length > whole)
        return false;
    struct reader body = reader_sub(&packet, length - (size_t)L2TPV3_HEADER);
    for (bool first = true; body.left > 0; first = false)
        if (!read_avp(&m, &body, first))
            return false;
    m.is_ack = m.type == L2TPV3_ZLB || m.type == L2TPV3_ACK;
    *out = m;
    return true;
}

/* ---- building ---- */

void
l2tpv3_begin(struct l2tpv3_builder *b, uint32_t connection, enum l2tpv3_type type)
{
    b->w = writer_of(b->bytes, sizeof(b->bytes));
    writer_u16(&b->w, L2TPV3_CONTROL_BITS);
    writer_u16(&b->w, 0);
    writer_u32(&b->w, connection);
    writer_u32(&b->w, 0);
    if (type != L2TPV3_ZLB)
        l2tpv3_put16(b, L2TPV3_AVP_TYPE, (uint16_t)type);
}

void
l2tpv3_put(struct l2tpv3_builder *b, uint16_t vendor, uint16_t avp, const void *value, size_t len)
{
    /* Who the two are is nice to know, and no reason for anyone to hang up. */
    bool optional = vendor == 0 && avp == L2TPV3_AVP_VENDOR_NAME;

    writer_u16(&b->w, (uint16_t)((optional ? 0 : AVP_MANDATORY) | (AVP_HEADER + len)));
    writer_u16(&b->w, vendor);
    writer_u16(&b->w, avp);
    writer_bytes(&b->w, value, len);
}

void
l2tpv3_put16(struct l2tpv3_builder *b, uint16_t avp, uint16_t value)
{
    uint8_t bytes[2];

    wire_put16(bytes, value);
    l2tpv3_put(b, 0, avp, bytes, sizeof(bytes));
}

void
l2tpv3_put32(struct l2tpv3_builder *b, uint16_t avp, uint16_t cisco, uint32_t value)
{
    uint8_t bytes[4];

    wire_put32(bytes, value);
    l2tpv3_put(b, 0, avp, bytes, sizeof(bytes));
    if (cisco != 0)
        l2tpv3_put(b, L2TPV3_VENDOR_CISCO, cisco, bytes, sizeof(bytes));
}

struct reader
l2tpv3_end(struct l2tpv3_builder *b)
{
    struct reader r = reader_of(b->bytes, b->w.len);

    if (!writer_ok(&b->w))
        reader_fail(&r);
    else
        wire_put16(b->bytes + AT_LENGTH, (uint16_t)b->w.len);
    return r;
}
