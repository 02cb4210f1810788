/* SPDX-License-Identifier: Apache-2.0 */
/* aggressive.c - aggressive mode (RFC 2409, 5.4), by pre-shared keys alone.
 *
 * Its second message holds a hash made with the key, by which whoever asked may guess the key at
 * home; and it makes us compute for one who has shown nothing. So it is spoken only with identities
 * for which the owner gives a key: routers that are told to.
 */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

/* The answer has what the first message has, of one proposal, and besides our hash and two of
 * NAT-D, each at most as long as SHA2-512 and its header; its nonce and identity may be longer. */
enum { EXTRA = 3 * (IKE1_HASH_MAX + 4) + IKE1_NONCE + 16 };

bool
ike1_aggressive_start(struct ike1 *k, const struct ike1_in *in, int64_t now_us)
{
    const struct isakmp_payload *sa = isakmp_find(&in->all, ISAKMP_SA, 0);
    const struct isakmp_payload *ke = isakmp_find(&in->all, ISAKMP_KE, 0);
    const struct isakmp_payload *nonce = isakmp_find(&in->all, ISAKMP_NONCE, 0);
    const struct isakmp_payload *id = isakmp_find(&in->all, ISAKMP_ID, 0);
    struct ike1_key key = {0};
    struct ike1_choice choice;
    struct ike1_id who;

    if (!ke || !nonce || !id || nonce->body.left < IKE1_NONCE_MIN ||
        nonce->body.left > IKE1_NONCE_MAX || !ike1_id_read(id->body, &who))
        return false;
    if (!k->ops->key(k->owner, &who, 0, &key) || !key.psk) {
        ike1_say(k, "aggressive mode is not allowed for %s, which has no key of its own", who.text);
        ike1_end(k, IKE1_END_WRONG_KEY, now_us);
        return true;
    }
    uint16_t group = ike1_group_of(ke->body.left);
    enum ike1_offer offer = IKE1_OFFER_NONE;
    if (group != 0)
        offer = ike1_choose(sa->body, k->c.weak, 1u << IKE1_PSK, group, &k->suite, &choice);
    if (offer == IKE1_OFFER_MALFORMED)
        return false;
    if (offer == IKE1_OFFER_NONE) {
        ike1_refuse_offer(k, sa->body, now_us);
        return true;
    }
    struct ike1_dh *job = ike1_dh_new(k->suite.group, ke->body);
    if (!job)
        return false;
    ike1_take_suite(k, sa->body, &choice);
    ike1_remember(&k->memory, in->whole);
    k->nonce_i = ike1_copy(nonce->body);
    k->public_i = ike1_copy(ke->body);
    k->id_i = ike1_copy(id->body);
    k->state = IKE1_STATE_COMPUTING;
    k->job = job;
    k->ops->compute(k->owner, job);
    return true;
}

static bool
write_message_2(struct ike1 *k, struct ike1_out *o, const struct secret *psk)
{
    struct ike1_ingredients from = ike1_ingredients(k, psk);
    uint8_t hash[IKE1_HASH_MAX];

    if (!ike1_keys_make(&k->keys, &k->suite, &from))
        return false;
    ike1_out_begin(k, o, ISAKMP_AGGRESSIVE, false, 0);
    isakmp_payload_begin(&o->m, ISAKMP_SA);
    ike1_write_choice(&o->w, &k->choice, 0);
    isakmp_payload_add(&o->m, ISAKMP_KE, k->public_r->bytes, k->public_r->len);
    isakmp_payload_add(&o->m, ISAKMP_NONCE, k->nonce_r->bytes, k->nonce_r->len);
    isakmp_payload_begin(&o->m, ISAKMP_ID);
    size_t at = o->w.len;
    ike1_write_our_id(k, &o->w);
    if (!writer_ok(&o->w) || !ike1_auth_hash(&k->keys, &from, false, ike1_slice_of(k->sa_i),
                                             ike1_slice(o->bytes + at, o->w.len - at), hash))
        return false;
    isakmp_payload_add(&o->m, ISAKMP_HASH, hash, ike1_hash_size(k->suite.hash));
    ike1_write_vendors(k, o);
    ike1_write_nat(k, o);
    isakmp_end(&o->m);
    return writer_ok(&o->w) && o->w.len <= k->first_len + EXTRA;
}

void
ike1_aggressive_computed(struct ike1 *k, int64_t now_us)
{
    struct ike1_key key = {0};
    struct ike1_out o;
    struct ike1_id who;

    /* The owner's keys may be others by now. */
    if (!ike1_id_read(reader_of(k->id_i->bytes, k->id_i->len), &who) ||
        !k->ops->key(k->owner, &who, 0, &key) || !key.psk) {
        ike1_end(k, IKE1_END_WRONG_KEY, now_us);
        return;
    }
    k->tag = key.tag;
    if (!write_message_2(k, &o, key.psk)) {
        ike1_say(k, "the first message of aggressive mode is too short for its answer");
        ike1_end(k, IKE1_END_PROTOCOL, now_us);
        return;
    }
    k->state = IKE1_STATE_AUTH;
    ike1_answer(k, &k->memory, &o, now_us);
}

/* Message 3 comes encrypted or in clear. */
static bool
is_right(struct ike1 *k, struct ike1_in *in)
{
    struct ike1_ingredients from = ike1_ingredients(k, NULL);
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t want[IKE1_HASH_MAX];
    uint8_t iv[IKE1_BLOCK_MAX];

    memcpy(iv, k->keys.iv, sizeof(iv));
    bool ok = in->h.flags & ISAKMP_ENCRYPTED ? ike1_open(&k->keys, iv, in)
                                             : isakmp_payloads_read(in->body, in->h.next, &in->all);
    const struct isakmp_payload *hash = ok ? isakmp_find(&in->all, ISAKMP_HASH, 0) : NULL;
    if (hash && hash->body.left == size &&
        ike1_auth_hash(&k->keys, &from, true, ike1_slice_of(k->sa_i), ike1_slice_of(k->id_i),
                       want) &&
        secret_equal(want, hash->body.at, size)) {
        memcpy(k->keys.iv, iv, sizeof(iv));
        return true;
    }
    secret_free(in->plain);
    in->plain = NULL;
    return false;
}

void
ike1_aggressive_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    uint8_t digest[IKE1_DIGEST];

    ike1_digest_of(in->whole, digest);
    if (k->bad > 0 && memcmp(digest, k->bad_digest, sizeof(digest)) == 0)
        return;
    if (!is_right(k, in)) {
        ike1_say(k, "pre-shared key is wrong: the hash of message 3 is not what it should be");
        ike1_bad(k, in->whole, now_us);
        return;
    }
    in->proven = true;
    ike1_remember(&k->memory, in->whole);
    ike1_read_nat(k, in);
    if (ike1_take_peer(k, reader_of(k->id_i->bytes, k->id_i->len), k->tag, NULL, now_us))
        ike1_up(k, in, now_us);
    secret_free(in->plain);
    in->plain = NULL;
}
