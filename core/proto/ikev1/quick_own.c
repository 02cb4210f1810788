/* SPDX-License-Identifier: Apache-2.0 */
/* quick_own.c - quick modes of ours: new keys for a child, which the old one stays beside for
 * IKE1_CHILD_MARGIN_S. */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

enum { WEAK_ALL = IKE1_WEAK_SHA1 | IKE1_WEAK_MODP1024 | IKE1_WEAK_3DES | IKE1_WEAK_MD5 };

/* ---- message 1 ---- */

static void
add_original(struct ike1 *k, struct ike1_out *o, const struct ip *ip)
{
    isakmp_payload_begin(&o->m, k->nat_type == ISAKMP_NAT_D ? ISAKMP_NAT_OA : ISAKMP_NAT_OA_DRAFT);
    writer_u8(&o->w, ip->family == 6 ? IKE1_ID_IPV6 : IKE1_ID_IPV4);
    writer_zero(&o->w, 3);
    writer_bytes(&o->w, ip->b, ip->family == 6 ? 16 : 4);
}

static bool
write_1(struct ike1 *k, struct ike1_quick *q, struct ike1_out *o)
{
    ike1_out_begin(k, o, ISAKMP_QUICK, true, q->message_id);
    ike1_out_hash_begin(k, o);
    isakmp_payload_begin(&o->m, ISAKMP_SA);
    ike1_write_child_offer(&o->w, &q->suite, k->udp, q->spi_in);
    isakmp_payload_add(&o->m, ISAKMP_NONCE, q->nonce_i->bytes, q->nonce_i->len);
    if (q->dh) {
        struct pf_slice ours = ike1_dh_public(q->dh);
        if (ours.len == 0)
            return false;
        isakmp_payload_add(&o->m, ISAKMP_KE, ours.at, ours.len);
    }
    if (q->id_i && q->id_r) {
        isakmp_payload_add(&o->m, ISAKMP_ID, q->id_i->bytes, q->id_i->len);
        isakmp_payload_add(&o->m, ISAKMP_ID, q->id_r->bytes, q->id_r->len);
    }
    if (k->udp && !q->suite.tunnel) {
        add_original(k, o, &k->c.local.ip);
        add_original(k, o, &k->c.remote.ip);
    }
    return ike1_out_hash(k, o, ike1_slice("", 0)) && ike1_out_seal(k, o, q->iv);
}

static bool
is_under_way(const struct ike1 *k, uint32_t spi_in)
{
    for (unsigned i = 0; i < IKE1_QUICK_MAX; i++) {
        const struct ike1_quick *q = &k->quick[i];
        if (q->ours && q->old_spi == spi_in && q->state != IKE1_QUICK_FREE)
            return true;
    }
    return false;
}

void
ike1_rekey(struct ike1 *k, uint32_t spi_in, int64_t now_us)
{
    struct ike1_child *c = ike1_child_find(k, spi_in);

    if (k->state != IKE1_STATE_UP || !c || is_under_way(k, spi_in))
        return;
    struct ike1_quick *q = ike1_quick_slot(k);
    if (!q)
        return;
    q->ours = true;
    q->state = IKE1_QUICK_COMPUTING;
    q->old_spi = spi_in;
    q->suite = c->suite;
    q->id_i = c->id_local ? secret_new(c->id_local->bytes, c->id_local->len) : NULL;
    q->id_r = c->id_remote ? secret_new(c->id_remote->bytes, c->id_remote->len) : NULL;
    q->message_id = ike1_new_message_id(k);
    ike1_id_use(k, q->message_id);
    q->spi_in = k->ops->new_spi(k->owner);
    q->nonce_i = secret_new(NULL, IKE1_NONCE);
    k->ops->random(k->owner, q->nonce_i->bytes, IKE1_NONCE);
    q->until_us = now_us + IKE1_QUICK_S * IKE1_US;
    if (q->suite.group == 0) {
        ike1_own_begin(k, q, now_us);
        return;
    }
    struct ike1_dh *job = ike1_dh_begin(q->suite.group);
    if (!job) {
        ike1_quick_clear(q);
        return;
    }
    q->state = IKE1_QUICK_OWN_HALF;
    q->job = job;
    k->ops->compute(k->owner, job);
}

void
ike1_own_begin(struct ike1 *k, struct ike1_quick *q, int64_t now_us)
{
    struct ike1_out o;

    if (!ike1_exchange_iv(&k->keys, q->message_id, q->iv) || !write_1(k, q, &o)) {
        ike1_quick_clear(q);
        return;
    }
    q->state = IKE1_QUICK_WAIT_2;
    ike1_quick_send(k, q, &o, now_us);
}

/* ---- message 2 ---- */

static bool
same_suite(const struct ike1_child_suite *a, const struct ike1_child_suite *b)
{
    return a->esp.cipher == b->esp.cipher && a->esp.integrity == b->esp.integrity &&
           a->esp.key_bits == b->esp.key_bits && a->esp.esn == b->esp.esn &&
           a->tunnel == b->tunnel && a->group == b->group;
}

static bool
take_choice(struct ike1 *k, struct ike1_quick *q, struct reader sa)
{
    struct ike1_child_want want = {
        .nat = k->udp, .weak = WEAK_ALL, .public_len = ike1_group_size(q->suite.group)};
    struct ike1_child_suite suite;
    struct ike1_choice choice;

    if (ike1_choose_child(sa, &want, &suite, &choice) != IKE1_OFFER_TAKEN ||
        !same_suite(&suite, &q->suite) || choice.spi.left != sizeof(uint32_t))
        return false;
    q->spi_out = reader_u32(&choice.spi);
    return q->spi_out >= ESP_SPI_MIN;
}

/* The hash was right: what is wrong now is the peer's. */
static bool
take_2(struct ike1 *k, struct ike1_quick *q, const struct ike1_in *in)
{
    const struct isakmp_payload *sa = isakmp_find(&in->all, ISAKMP_SA, 0);
    const struct isakmp_payload *nonce = isakmp_find(&in->all, ISAKMP_NONCE, 0);
    const struct isakmp_payload *ke = isakmp_find(&in->all, ISAKMP_KE, 0);

    if (!sa || !nonce || nonce->body.left < IKE1_NONCE_MIN || nonce->body.left > IKE1_NONCE_MAX ||
        !take_choice(k, q, sa->body))
        return false;
    if (q->dh && (!ke || !ike1_dh_set_peer(q->dh, ke->body)))
        return false;
    q->nonce_r = ike1_copy(nonce->body);
    return true;
}

void
ike1_own_receive(struct ike1 *k, struct ike1_quick *q, struct ike1_in *in, int64_t now_us)
{
    uint8_t iv[IKE1_BLOCK_MAX];

    if (q->state != IKE1_QUICK_WAIT_2)
        return;
    memcpy(iv, q->iv, sizeof(iv));
    if (!ike1_open(&k->keys, iv, in) || !ike1_check_hash(k, in, ike1_slice_of(q->nonce_i)))
        return;
    in->proven = true;
    if (!take_2(k, q, in)) {
        ike1_say(k, "the peer's answer for new keys is not what was offered");
        ike1_quick_clear(q);
        return;
    }
    memcpy(q->iv, iv, sizeof(iv));
    ike1_remember(&q->memory, in->whole);
    q->resend_us = 0;
    if (!q->dh) {
        ike1_own_computed(k, q, ike1_slice("", 0), now_us);
        return;
    }
    struct ike1_dh *job = q->dh;
    q->state = IKE1_QUICK_COMPUTING;
    q->job = job;
    q->dh = NULL;
    k->ops->compute(k->owner, job);
}

/* ---- message 3 ---- */

static bool
write_3(struct ike1 *k, struct ike1_quick *q, struct ike1_out *o)
{
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t hash[IKE1_HASH_MAX];
    uint8_t zero_id[5] = {0};

    struct writer w = writer_of(zero_id + 1, 4);
    writer_u32(&w, q->message_id);
    struct pf_slice part[] = {ike1_slice(zero_id, sizeof(zero_id)), ike1_slice_of(q->nonce_i),
                              ike1_slice_of(q->nonce_r)};
    if (!ike1_prf(k->suite.hash, k->keys.a, size, part, G_N_ELEMENTS(part), hash))
        return false;
    ike1_out_begin(k, o, ISAKMP_QUICK, true, q->message_id);
    isakmp_payload_add(&o->m, ISAKMP_HASH, hash, size);
    return ike1_out_seal(k, o, q->iv);
}

void
ike1_own_computed(struct ike1 *k, struct ike1_quick *q, struct pf_slice shared, int64_t now_us)
{
    uint32_t spi_in = q->spi_in;
    struct ike1_out o;

    if ((q->suite.group != 0 && shared.len == 0) || !ike1_child_room(k, now_us) ||
        !ike1_child_make(k, q, shared, now_us)) {
        if (!ike1_is_over(k))
            ike1_quick_clear(q);
        return;
    }
    if (!write_3(k, q, &o)) {
        ike1_quick_clear(q);
        struct ike1_child *c = ike1_child_find(k, spi_in);
        if (c)
            ike1_child_drop(k, c, true, now_us);
        return;
    }
    q->state = IKE1_QUICK_DONE; /* until then message 2 may come again */
    q->until_us = now_us + IKE1_QUICK_S * IKE1_US;
    uint32_t old_spi = q->old_spi;
    ike1_answer(k, &q->memory, &o, now_us);
    struct ike1_child *old = ike1_child_find(k, old_spi);
    if (old)
        old->end_us = MIN(old->end_us, now_us + IKE1_CHILD_MARGIN_S * IKE1_US);
    ike1_child_confirm(k, spi_in, now_us);
}
