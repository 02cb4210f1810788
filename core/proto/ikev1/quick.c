/* SPDX-License-Identifier: Apache-2.0 */
/* quick.c - quick modes that the peer begins (RFC 2409, 5.5), and the timers of ours as well.
 *
 * Replay: an old first message decrypts and its hash is right. Ids of exchanges that were right are
 * remembered, IKE1_IDS_MAX of them. One that is older still would begin a quick mode, as one of
 * IKE1_QUICK_MAX and for IKE1_QUICK_S: its third message is a hash over our new nonce, which nobody
 * has, so that its child is never confirmed, has keys that nobody knows, and goes. That is why only
 * the third message proves an address once ids have been lost.
 */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

enum { NAT_OA_MIN = 8 };

/* ---- slots ---- */

void
ike1_quick_clear(struct ike1_quick *q)
{
    ike1_forget(&q->memory);
    secret_free(q->sa);
    secret_free(q->nonce_i);
    secret_free(q->nonce_r);
    secret_free(q->id_i);
    secret_free(q->id_r);
    secret_free(q->original[0]);
    secret_free(q->original[1]);
    ike1_dh_free(q->dh);
    *q = (struct ike1_quick){0};
}

/* A free one, or ours that is done. */
struct ike1_quick *
ike1_quick_slot(struct ike1 *k)
{
    struct ike1_quick *done = NULL;

    for (unsigned i = 0; i < IKE1_QUICK_MAX; i++) {
        if (k->quick[i].state == IKE1_QUICK_FREE)
            return &k->quick[i];
        if (k->quick[i].state == IKE1_QUICK_DONE && !done)
            done = &k->quick[i];
    }
    if (done)
        ike1_quick_clear(done);
    return done;
}

static struct ike1_quick *
find(struct ike1 *k, uint32_t message_id)
{
    for (unsigned i = 0; i < IKE1_QUICK_MAX; i++)
        if (k->quick[i].state != IKE1_QUICK_FREE && k->quick[i].message_id == message_id)
            return &k->quick[i];
    return NULL;
}

/* A message that is sent again until there is an answer. */
void
ike1_quick_send(struct ike1 *k, struct ike1_quick *q, const struct ike1_out *o, int64_t now_us)
{
    q->tries = 0;
    q->resend_us = now_us + ike1_backoff_us(0);
    ike1_answer(k, &q->memory, o, now_us);
}

/* ---- message 1 ---- */

static void
refuse(struct ike1 *k, struct ike1_quick *q, uint16_t type, int64_t now_us)
{
    ike1_quick_clear(q);
    ike1_notify(k, 0, IKE1_PROTO_ESP, type, now_us);
}

static bool
take_ids(struct ike1_quick *q, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *i = isakmp_find(all, ISAKMP_ID, 0);
    const struct isakmp_payload *r = isakmp_find(all, ISAKMP_ID, 1);
    struct esp_selector selector;

    if (!i && !r)
        return true;
    if (!i || !r || !ike1_id_selector(i->body, &selector) || !ike1_id_selector(r->body, &selector))
        return false;
    q->id_i = ike1_copy(i->body);
    q->id_r = ike1_copy(r->body);
    return true;
}

static void
take_originals(struct ike1_quick *q, const struct isakmp_payloads *all)
{
    static const uint8_t type[] = {ISAKMP_NAT_OA, ISAKMP_NAT_OA_DRAFT};

    for (size_t t = 0; t < ARRAY_LEN(type); t++) {
        for (unsigned n = 0; n < 2; n++) {
            const struct isakmp_payload *p = isakmp_find(all, type[t], n);
            if (!p || p->body.left < NAT_OA_MIN || q->original[n])
                continue;
            q->original[n] = ike1_copy(p->body);
            q->original_type = type[t];
        }
    }
}

/* Chooses of the offer; q->sa and q->choice are of our copy. */
static bool
take_offer(struct ike1 *k, struct ike1_quick *q, struct reader sa, size_t public_len)
{
    struct ike1_child_want want = {.nat = k->udp, .weak = k->c.weak, .public_len = public_len};
    char text[256];

    q->sa = ike1_copy(sa);
    struct reader copy = reader_of(q->sa->bytes, q->sa->len);
    if (ike1_choose_child(copy, &want, &q->suite, &q->choice) == IKE1_OFFER_TAKEN &&
        q->choice.spi.left == sizeof(uint32_t)) {
        struct reader spi = q->choice.spi;
        q->spi_out = reader_u32(&spi);
        return q->spi_out >= ESP_SPI_MIN;
    }
    unsigned would = ike1_offer_explain(sa, k->c.weak, text, sizeof(text));
    ike1_say(k, "for its data it offers %s%s", text,
             would != 0 ? "" : "; nothing of it can be accepted");
    return false;
}

static void
finish_1(struct ike1 *k, struct ike1_quick *q, const struct ike1_dh *job, int64_t now_us);

/* The hash was right. */
static void
take_1(struct ike1 *k, struct ike1_quick *q, const struct ike1_in *in, int64_t now_us)
{
    const struct isakmp_payload *sa = isakmp_find(&in->all, ISAKMP_SA, 0);
    const struct isakmp_payload *nonce = isakmp_find(&in->all, ISAKMP_NONCE, 0);
    const struct isakmp_payload *ke = isakmp_find(&in->all, ISAKMP_KE, 0);

    if (!sa || !nonce || nonce->body.left < IKE1_NONCE_MIN || nonce->body.left > IKE1_NONCE_MAX) {
        ike1_quick_clear(q);
        return;
    }
    q->commit = in->h.flags & ISAKMP_COMMIT;
    q->nonce_i = ike1_copy(nonce->body);
    take_originals(q, &in->all);
    if (!take_offer(k, q, sa->body, ke ? ke->body.left : 0)) {
        refuse(k, q, IKE1_N_NO_PROPOSAL_CHOSEN, now_us);
        return;
    }
    if (!take_ids(q, &in->all)) {
        ike1_say(k, "the addresses that its data is for are malformed");
        refuse(k, q, IKE1_N_INVALID_ID, now_us);
        return;
    }
    if (!ke) {
        finish_1(k, q, NULL, now_us);
        return;
    }
    struct ike1_dh *job = ike1_dh_new(q->suite.group, ke->body);
    if (!job) {
        ike1_say(k, "the public value for new keys is none of the group that was agreed on");
        refuse(k, q, IKE1_N_NO_PROPOSAL_CHOSEN, now_us);
        return;
    }
    q->state = IKE1_QUICK_COMPUTING;
    q->job = job;
    k->ops->compute(k->owner, job);
}

static void
receive_1(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    uint8_t iv[IKE1_BLOCK_MAX];

    if (ike1_id_is_used(k, in->h.message_id) || !ike1_exchange_iv(&k->keys, in->h.message_id, iv) ||
        !ike1_open(&k->keys, iv, in))
        return;
    if (!ike1_check_hash(k, in, ike1_slice("", 0)))
        return;
    struct ike1_quick *q = ike1_quick_slot(k);
    if (!q) {
        ike1_say(k, "more than %d quick modes at once", IKE1_QUICK_MAX);
        return;
    }
    in->proven = !k->ids_lost;
    ike1_id_use(k, in->h.message_id);
    q->state = IKE1_QUICK_COMPUTING;
    q->message_id = in->h.message_id;
    q->until_us = now_us + IKE1_QUICK_S * IKE1_US;
    memcpy(q->iv, iv, sizeof(iv));
    ike1_remember(&q->memory, in->whole);
    take_1(k, q, in, now_us);
}

/* ---- message 2 ---- */

static bool
write_2(struct ike1 *k, struct ike1_quick *q, const struct ike1_dh *job, struct ike1_out *o)
{
    ike1_out_begin(k, o, ISAKMP_QUICK, true, q->message_id);
    ike1_out_hash_begin(k, o);
    isakmp_payload_begin(&o->m, ISAKMP_SA);
    ike1_write_choice(&o->w, &q->choice, q->spi_in);
    isakmp_payload_add(&o->m, ISAKMP_NONCE, q->nonce_r->bytes, q->nonce_r->len);
    if (job) {
        struct pf_slice ours = ike1_dh_public(job);
        isakmp_payload_add(&o->m, ISAKMP_KE, ours.at, ours.len);
    }
    if (q->id_i && q->id_r) { /* as they came: strict peers compare */
        isakmp_payload_add(&o->m, ISAKMP_ID, q->id_i->bytes, q->id_i->len);
        isakmp_payload_add(&o->m, ISAKMP_ID, q->id_r->bytes, q->id_r->len);
    }
    for (unsigned n = 0; n < 2 && q->original[n]; n++)
        isakmp_payload_add(&o->m, q->original_type, q->original[n]->bytes, q->original[n]->len);
    return ike1_out_hash(k, o, ike1_slice_of(q->nonce_i)) && ike1_out_seal(k, o, q->iv);
}

/* The child is there before the peer hears of it: its first packet may overtake message 3. */
static void
finish_1(struct ike1 *k, struct ike1_quick *q, const struct ike1_dh *job, int64_t now_us)
{
    struct pf_slice shared = job ? ike1_dh_shared(job) : ike1_slice("", 0);
    struct ike1_out o;

    if ((job && (shared.len == 0 || ike1_dh_public(job).len == 0)) || !ike1_child_room(k, now_us)) {
        if (ike1_is_over(k))
            return;
        ike1_say(k, "more than %d children, or no keys for one", IKE1_CHILDREN_MAX);
        refuse(k, q, IKE1_N_NO_PROPOSAL_CHOSEN, now_us);
        return;
    }
    q->spi_in = k->ops->new_spi(k->owner);
    q->nonce_r = secret_new(NULL, IKE1_NONCE);
    k->ops->random(k->owner, q->nonce_r->bytes, IKE1_NONCE);
    uint32_t id = q->message_id;
    if (!ike1_child_make(k, q, shared, now_us)) {
        if (ike1_is_over(k) || !(q = find(k, id)))
            return;
        refuse(k, q, IKE1_N_INVALID_ID, now_us);
        return;
    }
    if (!write_2(k, q, job, &o)) {
        struct ike1_child *c = ike1_child_find(k, q->spi_in);
        ike1_quick_clear(q);
        if (c)
            ike1_child_drop(k, c, false, now_us);
        return;
    }
    q->state = IKE1_QUICK_WAIT_3;
    ike1_quick_send(k, q, &o, now_us);
}

bool
ike1_quick_computed(struct ike1 *k, struct ike1_quick *q, struct ike1_dh *job, int64_t now_us)
{
    q->job = NULL;
    if (q->state == IKE1_QUICK_OWN_HALF) {
        q->dh = job;
        ike1_own_begin(k, q, now_us);
        return true;
    }
    if (q->ours)
        ike1_own_computed(k, q, ike1_dh_shared(job), now_us);
    else
        finish_1(k, q, job, now_us);
    return false;
}

/* ---- message 3 ---- */

static bool
is_right_3(const struct ike1 *k, const struct ike1_quick *q, const struct ike1_in *in)
{
    const struct isakmp_payload *hash = isakmp_find(&in->all, ISAKMP_HASH, 0);
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t want[IKE1_HASH_MAX];
    uint8_t zero_id[5] = {0};

    struct writer w = writer_of(zero_id + 1, 4);
    writer_u32(&w, q->message_id);
    struct pf_slice part[] = {ike1_slice(zero_id, sizeof(zero_id)), ike1_slice_of(q->nonce_i),
                              ike1_slice_of(q->nonce_r)};
    return hash && hash->body.left == size &&
           ike1_prf(k->suite.hash, k->keys.a, size, part, G_N_ELEMENTS(part), want) &&
           secret_equal(want, hash->body.at, size);
}

static void
receive_3(struct ike1 *k, struct ike1_quick *q, struct ike1_in *in, int64_t now_us)
{
    uint8_t iv[IKE1_BLOCK_MAX];

    memcpy(iv, q->iv, sizeof(iv));
    if (!ike1_open(&k->keys, iv, in) || !is_right_3(k, q, in))
        return;
    in->proven = true;
    bool commit = q->commit || in->h.flags & ISAKMP_COMMIT;
    uint32_t message_id = q->message_id;
    uint32_t spi_in = q->spi_in;
    ike1_quick_clear(q);
    if (commit)
        ike1_notify(k, message_id, IKE1_PROTO_ESP, IKE1_N_CONNECTED, now_us);
    ike1_child_confirm(k, spi_in, now_us);
}

void
ike1_quick_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    if (k->state != IKE1_STATE_UP || !(in->h.flags & ISAKMP_ENCRYPTED) || in->h.message_id == 0)
        return;
    struct ike1_quick *q = find(k, in->h.message_id);
    if (!q)
        receive_1(k, in, now_us);
    else if (ike1_is_duplicate(k, &q->memory, in->whole, now_us))
        return;
    else if (q->ours)
        ike1_own_receive(k, q, in, now_us);
    else if (q->state == IKE1_QUICK_WAIT_3)
        receive_3(k, q, in, now_us);
    secret_free(in->plain);
    in->plain = NULL;
}

/* ---- time ---- */

static void
give_up(struct ike1 *k, struct ike1_quick *q, int64_t now_us)
{
    struct ike1_child *c = NULL;

    if (q->state == IKE1_QUICK_WAIT_3)
        c = ike1_child_find(k, q->spi_in);
    if (q->state == IKE1_QUICK_WAIT_2)
        ike1_say(k, "the peer does not answer when it is to make new keys");
    ike1_quick_clear(q);
    if (c)
        ike1_child_drop(k, c, true, now_us);
}

void
ike1_quicks_tick(struct ike1 *k, int64_t now_us)
{
    for (unsigned i = 0; i < IKE1_QUICK_MAX && !ike1_is_over(k); i++) {
        struct ike1_quick *q = &k->quick[i];
        if (q->state == IKE1_QUICK_FREE)
            continue;
        if (now_us >= q->until_us) {
            give_up(k, q, now_us);
            continue;
        }
        if (q->resend_us == 0 || now_us < q->resend_us || !q->memory.answer)
            continue;
        q->resend_us = now_us + ike1_backoff_us(++q->tries);
        k->ops->send(k->owner, reader_of(q->memory.answer->bytes, q->memory.answer->len), now_us);
    }
}

int64_t
ike1_quicks_deadline(const struct ike1 *k)
{
    int64_t at = INT64_MAX;

    for (unsigned i = 0; i < IKE1_QUICK_MAX; i++) {
        const struct ike1_quick *q = &k->quick[i];
        if (q->state == IKE1_QUICK_FREE)
            continue;
        at = MIN(at, q->until_us);
        if (q->resend_us != 0)
            at = MIN(at, q->resend_us);
    }
    return at;
}
