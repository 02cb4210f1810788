/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - informational exchanges (RFC 2409, 5.7): notices, deletes, and whether the peer is there
 * (RFC 3706). One whose hash is not right, or that came in clear, changes nothing.
 *
 * Nobody acknowledges a delete: it is sent IKE1_REPEATS times more. A notice that came before
 * (a replay) is not answered, and R-U-THERE proves an address only when its number is new.
 */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

enum { SPI_ESP = 4, SPI_SA = 2 * IKE1_COOKIE, SEQ = 4, SPIS_MAX = IKE1_CHILDREN_MAX };

const char *
ike1_notify_name(uint16_t type)
{
    switch (type) {
    case IKE1_N_NO_PROPOSAL_CHOSEN:
        return "NO-PROPOSAL-CHOSEN";
    case 16:
        return "PAYLOAD-MALFORMED";
    case IKE1_N_INVALID_ID:
        return "INVALID-ID-INFORMATION";
    case 23:
        return "INVALID-HASH-INFORMATION";
    case IKE1_N_AUTHENTICATION_FAILED:
        return "AUTHENTICATION-FAILED";
    case 25:
        return "INVALID-SIGNATURE";
    default:
        return "an error";
    }
}

/* ---- out ---- */

void
ike1_write_notice(struct writer *w, uint8_t protocol, struct pf_slice spi, uint16_t type,
                  struct pf_slice data)
{
    writer_u32(w, IKE1_DOI);
    writer_u8(w, protocol);
    writer_u8(w, (uint8_t)spi.len);
    writer_u16(w, type);
    writer_bytes(w, spi.at, spi.len);
    writer_bytes(w, data.at, data.len);
}

/* Writes an exchange of one payload; false when OpenSSL cannot. */
static bool
seal(struct ike1 *k, struct ike1_out *o, uint32_t message_id, uint8_t type, struct pf_slice body)
{
    uint8_t iv[IKE1_BLOCK_MAX];

    if (message_id == 0) {
        message_id = ike1_new_message_id(k);
        ike1_id_use(k, message_id);
    }
    ike1_out_begin(k, o, ISAKMP_INFORMATIONAL, true, message_id);
    ike1_out_hash_begin(k, o);
    isakmp_payload_add(&o->m, type, body.at, body.len);
    return ike1_exchange_iv(&k->keys, message_id, iv) && ike1_out_hash(k, o, ike1_slice("", 0)) &&
           ike1_out_seal(k, o, iv);
}

static void
send_notice(struct ike1 *k, uint32_t message_id, const struct writer *body, int64_t now_us)
{
    struct ike1_out o;

    if (writer_ok(body) &&
        seal(k, &o, message_id, ISAKMP_NOTIFY, ike1_slice(body->start, body->len)))
        k->ops->send(k->owner, ike1_out_message(&o), now_us);
}

void
ike1_notify(struct ike1 *k, uint32_t message_id, uint8_t protocol, uint16_t type, int64_t now_us)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));

    ike1_write_notice(&w, protocol, ike1_slice("", 0), type, ike1_slice("", 0));
    send_notice(k, message_id, &w, now_us);
}

static void
send_dpd(struct ike1 *k, uint16_t type, uint32_t seq, int64_t now_us)
{
    uint8_t bytes[64];
    uint8_t number[SEQ];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct writer n = writer_of(number, sizeof(number));

    writer_u32(&n, seq);
    ike1_write_notice(&w, IKE1_PROTO_ISAKMP, ike1_slice(k->cookies, SPI_SA), type,
                      ike1_slice(number, SEQ));
    send_notice(k, 0, &w, now_us);
}

/* Sent now, and some times more; of too many the oldest is sent no more. */
static void
send_repeated(struct ike1 *k, const struct ike1_out *o, int64_t now_us)
{
    struct ike1_repeat *slot = &k->repeat[0];

    for (unsigned i = 0; i < IKE1_REPEATS_MAX; i++) {
        struct ike1_repeat *r = &k->repeat[i];
        if (slot->message && (!r->message || r->sent > slot->sent))
            slot = r;
    }
    secret_free(slot->message);
    *slot = (struct ike1_repeat){.message = ike1_copy(ike1_out_message(o)),
                                 .next_us = now_us + ike1_backoff_us(0)};
    k->ops->send(k->owner, ike1_out_message(o), now_us);
}

static void
send_delete(struct ike1 *k, const struct writer *body, int64_t now_us)
{
    struct ike1_out o;

    if (writer_ok(body) && seal(k, &o, 0, ISAKMP_DELETE, ike1_slice(body->start, body->len)))
        send_repeated(k, &o, now_us);
}

void
ike1_send_delete_esp(struct ike1 *k, const uint32_t *spi, unsigned n, int64_t now_us)
{
    uint8_t bytes[16 + SPIS_MAX * SPI_ESP];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (k->state != IKE1_STATE_UP || n == 0)
        return;
    writer_u32(&w, IKE1_DOI);
    writer_u8(&w, IKE1_PROTO_ESP);
    writer_u8(&w, SPI_ESP);
    writer_u16(&w, (uint16_t)n);
    for (unsigned i = 0; i < n; i++)
        writer_u32(&w, spi[i]);
    send_delete(k, &w, now_us);
}

void
ike1_send_delete_sa(struct ike1 *k, int64_t now_us)
{
    uint8_t bytes[32];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (k->state != IKE1_STATE_UP)
        return;
    writer_u32(&w, IKE1_DOI);
    writer_u8(&w, IKE1_PROTO_ISAKMP);
    writer_u8(&w, SPI_SA);
    writer_u16(&w, 1);
    writer_bytes(&w, k->cookies, SPI_SA);
    send_delete(k, &w, now_us);
}

/* ---- notices ---- */

struct notice {
    uint8_t protocol;
    uint16_t type;
    struct reader spi, data;
};

static bool
read_notice(struct reader r, struct notice *out)
{
    struct notice n;

    uint32_t doi = reader_u32(&r);
    n.protocol = reader_u8(&r);
    uint8_t spi_len = reader_u8(&r);
    n.type = reader_u16(&r);
    n.spi = reader_sub(&r, spi_len);
    n.data = r;
    if (!reader_ok(&r) || doi > IKE1_DOI) /* some leave it 0 */
        return false;
    *out = n;
    return true;
}

/* Whether a quick mode is the one that an error is about: by its SPI, if the peer says one; which
 * of the two is meant is not the same with all. Of ours that wait any may be. */
static bool
is_about(const struct ike1_quick *q, struct reader spi)
{
    if (spi.left != SPI_ESP)
        return q->state == IKE1_QUICK_WAIT_2 && q->ours;
    uint32_t said = reader_u32(&spi);
    return (q->state == IKE1_QUICK_WAIT_3 && (said == q->spi_in || said == q->spi_out)) ||
           (q->state == IKE1_QUICK_WAIT_2 && (said == q->spi_in || said == 0));
}

static void
on_error(struct ike1 *k, const struct notice *n, int64_t now_us)
{
    ike1_say(k, "the peer says %s (%u)", ike1_notify_name(n->type), n->type);
    if (n->type != IKE1_N_NO_PROPOSAL_CHOSEN && n->type != IKE1_N_INVALID_ID)
        return;
    for (unsigned i = 0; i < IKE1_QUICK_MAX && !ike1_is_over(k); i++) {
        struct ike1_quick *q = &k->quick[i];
        if (!is_about(q, n->spi))
            continue;
        struct ike1_child *c = q->state == IKE1_QUICK_WAIT_3 ? ike1_child_find(k, q->spi_in) : NULL;
        ike1_quick_clear(q);
        if (c)
            ike1_child_drop(k, c, false, now_us);
    }
}

static void
on_dpd(struct ike1 *k, struct ike1_in *in, const struct notice *n, int64_t now_us)
{
    struct reader data = n->data;
    uint32_t seq = reader_u32(&data);

    if (!reader_ok(&data))
        return;
    if (n->type == IKE1_N_R_U_THERE) {
        if (!k->dpd_peer_any || (int32_t)(seq - k->dpd_peer_seq) > 0) {
            in->proven = true;
            k->dpd_peer_seq = seq;
            k->dpd_peer_any = true;
        }
        send_dpd(k, IKE1_N_R_U_THERE_ACK, seq, now_us);
    } else if (k->dpd_tries > 0 && seq == k->dpd_seq)
        in->proven = true;
}

void
ike1_read_notices(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    const struct isakmp_payload *p;
    struct notice n;

    for (unsigned i = 0; i < IKE1_NOTICES_MAX && !ike1_is_over(k); i++) {
        if (!(p = isakmp_find(&in->all, ISAKMP_NOTIFY, i)))
            return;
        if (!read_notice(p->body, &n))
            continue;
        if (n.type == IKE1_N_R_U_THERE || n.type == IKE1_N_R_U_THERE_ACK)
            on_dpd(k, in, &n, now_us);
        else if (n.type < IKE1_N_STATUS)
            on_error(k, &n, now_us);
        else if (n.type == IKE1_N_INITIAL_CONTACT && !k->initial_contact_told) {
            k->initial_contact_told = true;
            k->ops->initial_contact(k->owner, now_us);
        }
    }
}

/* ---- deletes ---- */

static void
delete_children(struct ike1 *k, struct reader spis, int64_t now_us)
{
    while (spis.left >= SPI_ESP && !ike1_is_over(k)) {
        struct ike1_child *c = ike1_child_find_out(k, reader_u32(&spis));
        if (c)
            ike1_child_drop(k, c, false, now_us);
    }
}

static void
on_delete(struct ike1 *k, struct reader r, int64_t now_us)
{
    uint32_t doi = reader_u32(&r);
    uint8_t protocol = reader_u8(&r);
    uint8_t size = reader_u8(&r);
    uint16_t n = reader_u16(&r);
    struct reader spis = reader_sub(&r, (size_t)n * size);

    if (!reader_ok(&spis) || !reader_ok(&r) || doi > IKE1_DOI)
        return;
    if (protocol == IKE1_PROTO_ESP && size == SPI_ESP)
        delete_children(k, spis, now_us);
    else if (protocol == IKE1_PROTO_ISAKMP && size == SPI_SA && n >= 1 &&
             memcmp(spis.at, k->cookies, SPI_SA) == 0)
        ike1_end(k, IKE1_END_DELETED, now_us);
}

static void
read_deletes(struct ike1 *k, const struct ike1_in *in, int64_t now_us)
{
    const struct isakmp_payload *p;

    for (unsigned i = 0; !ike1_is_over(k) && (p = isakmp_find(&in->all, ISAKMP_DELETE, i)); i++)
        on_delete(k, p->body, now_us);
}

/* ---- in ---- */

/* In clear, it may be anybody's: told to the administrator, if nothing better is, and no more. */
static void
hear_clear(struct ike1 *k, struct ike1_in *in)
{
    const struct isakmp_payload *p;
    struct notice n;

    if (k->state == IKE1_STATE_UP || k->problem[0] != '\0' ||
        !isakmp_payloads_read(in->body, in->h.next, &in->all))
        return;
    if ((p = isakmp_find(&in->all, ISAKMP_NOTIFY, 0)) && read_notice(p->body, &n) &&
        n.type < IKE1_N_STATUS)
        ike1_say(k, "somebody, perhaps the peer, says %s (%u)", ike1_notify_name(n.type), n.type);
}

void
ike1_info_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    uint8_t iv[IKE1_BLOCK_MAX];

    if (!(in->h.flags & ISAKMP_ENCRYPTED)) {
        hear_clear(k, in);
        return;
    }
    if (k->state != IKE1_STATE_UP || in->h.message_id == 0 ||
        ike1_id_is_used(k, in->h.message_id) || !ike1_exchange_iv(&k->keys, in->h.message_id, iv) ||
        !ike1_open(&k->keys, iv, in))
        return;
    if (ike1_check_hash(k, in, ike1_slice("", 0))) {
        ike1_id_use(k, in->h.message_id);
        in->proven = !k->ids_lost;
        ike1_read_notices(k, in, now_us);
        read_deletes(k, in, now_us);
    }
    secret_free(in->plain);
    in->plain = NULL;
}

/* ---- time ---- */

/* Only those that know of it answer. */
static int64_t
dpd_deadline(const struct ike1 *k)
{
    if (k->state != IKE1_STATE_UP || k->c.dpd_s == 0 || !(k->vendors & IKE1_VENDOR_DPD))
        return INT64_MAX;
    return k->dpd_tries > 0 ? k->dpd_next_us : k->heard_us + k->c.dpd_s * IKE1_US;
}

static void
dpd_tick(struct ike1 *k, int64_t now_us)
{
    if (now_us < dpd_deadline(k))
        return;
    if (k->dpd_tries >= IKE1_DPD_TRIES) {
        ike1_say(k, "the peer does not answer any more");
        ike1_end(k, IKE1_END_DEAD, now_us);
        return;
    }
    if (k->dpd_tries == 0)
        k->dpd_seq++;
    k->dpd_next_us = now_us + ike1_backoff_us(k->dpd_tries++);
    send_dpd(k, IKE1_N_R_U_THERE, k->dpd_seq, now_us);
}

void
ike1_info_tick(struct ike1 *k, int64_t now_us)
{
    for (unsigned i = 0; i < IKE1_REPEATS_MAX; i++) {
        struct ike1_repeat *r = &k->repeat[i];
        if (!r->message || now_us < r->next_us)
            continue;
        k->ops->send(k->owner, reader_of(r->message->bytes, r->message->len), now_us);
        if (ike1_is_over(k))
            return;
        r->next_us = now_us + ike1_backoff_us(++r->sent);
        if (r->sent < IKE1_REPEATS)
            continue;
        secret_free(r->message);
        *r = (struct ike1_repeat){0};
    }
    dpd_tick(k, now_us);
}

int64_t
ike1_info_deadline(const struct ike1 *k)
{
    int64_t at = dpd_deadline(k);

    for (unsigned i = 0; i < IKE1_REPEATS_MAX; i++)
        if (k->repeat[i].message)
            at = MIN(at, k->repeat[i].next_us);
    return at;
}
