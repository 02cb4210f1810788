/* SPDX-License-Identifier: Apache-2.0 */
/* exchange.c - what all exchanges have in common: duplicates and what was answered to them, opening
 * and sealing of messages, and the ids of those that are past. */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

enum { IDS_FIRST = 16, BACKOFF_MAX = 4 };

/* ---- duplicates ---- */

void
ike1_digest_of(struct reader message, uint8_t out[IKE1_DIGEST])
{
    struct pf_slice part = ike1_slice(message.at, message.left);
    uint8_t digest[IKE1_HASH_MAX] = {0};

    if (!ike1_digest(IKE1_SHA256, &part, 1, digest))
        memset(digest, 0, sizeof(digest));
    memcpy(out, digest, IKE1_DIGEST);
}

bool
ike1_is_duplicate(struct ike1 *k, struct ike1_memory *m, struct reader message, int64_t now_us)
{
    uint8_t digest[IKE1_DIGEST];

    if (!m->any)
        return false;
    ike1_digest_of(message, digest);
    if (memcmp(digest, m->digest, sizeof(digest)) != 0)
        return false;
    if (m->answer && m->resent < IKE1_RESENDS_MAX) {
        m->resent++;
        k->ops->send(k->owner, reader_of(m->answer->bytes, m->answer->len), now_us);
    }
    return true;
}

void
ike1_remember(struct ike1_memory *m, struct reader request)
{
    ike1_forget(m);
    ike1_digest_of(request, m->digest);
    m->any = true;
}

void
ike1_forget(struct ike1_memory *m)
{
    secret_free(m->answer);
    *m = (struct ike1_memory){0};
}

void
ike1_answer(struct ike1 *k, struct ike1_memory *m, const struct ike1_out *o, int64_t now_us)
{
    secret_free(m->answer);
    m->answer = ike1_copy(ike1_out_message(o));
    m->resent = 0;
    k->ops->send(k->owner, ike1_out_message(o), now_us);
}

/* ---- in ---- */

bool
ike1_open(const struct ike1_keys *keys, uint8_t iv[IKE1_BLOCK_MAX], struct ike1_in *in)
{
    size_t block = ike1_block_size(keys->cipher);

    if (in->body.left == 0 || in->body.left % block != 0)
        return false;
    in->plain = ike1_copy(in->body);
    if (ike1_decrypt(keys, iv, in->plain->bytes, in->plain->len) &&
        isakmp_payloads_read(reader_of(in->plain->bytes, in->plain->len), in->h.next, &in->all))
        return true;
    secret_free(in->plain);
    in->plain = NULL;
    return false;
}

bool
ike1_check_hash(const struct ike1 *k, const struct ike1_in *in, struct pf_slice extra)
{
    const struct isakmp_payload *hash = in->all.n > 0 ? &in->all.p[0] : NULL;
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t want[IKE1_HASH_MAX];
    uint8_t id[4];

    if (!hash || hash->type != ISAKMP_HASH || hash->body.left != size)
        return false;
    struct writer w = writer_of(id, sizeof(id));
    writer_u32(&w, in->h.message_id);
    const uint8_t *rest = hash->body.at + hash->body.left;
    struct pf_slice part[] = {ike1_slice(id, sizeof(id)), extra,
                              ike1_slice(rest, (size_t)(in->all.end - rest))};
    return ike1_prf(k->suite.hash, k->keys.a, size, part, G_N_ELEMENTS(part), want) &&
           secret_equal(want, hash->body.at, size);
}

/* ---- out ---- */

void
ike1_out_begin(const struct ike1 *k, struct ike1_out *o, uint8_t exchange, bool encrypted,
               uint32_t message_id)
{
    struct isakmp_header h = {
        .exchange = exchange, .flags = encrypted ? ISAKMP_ENCRYPTED : 0, .message_id = message_id};

    memcpy(h.initiator, k->cookies, IKE1_COOKIE);
    memcpy(h.responder, k->cookies + IKE1_COOKIE, IKE1_COOKIE);
    o->w = writer_of(o->bytes, sizeof(o->bytes));
    o->hash_at = 0;
    o->message_id = message_id;
    isakmp_begin(&o->m, &o->w, &h);
}

void
ike1_out_hash_begin(const struct ike1 *k, struct ike1_out *o)
{
    isakmp_payload_begin(&o->m, ISAKMP_HASH);
    o->hash_at = o->w.len;
    writer_zero(&o->w, ike1_hash_size(k->suite.hash));
}

bool
ike1_out_hash(const struct ike1 *k, struct ike1_out *o, struct pf_slice extra)
{
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t hash[IKE1_HASH_MAX];
    uint8_t id[4];

    isakmp_end(&o->m);
    if (!writer_ok(&o->w))
        return false;
    struct writer w = writer_of(id, sizeof(id));
    writer_u32(&w, o->message_id);
    size_t from = o->hash_at + size;
    struct pf_slice part[] = {ike1_slice(id, sizeof(id)), extra,
                              ike1_slice(o->bytes + from, o->w.len - from)};
    if (!ike1_prf(k->suite.hash, k->keys.a, size, part, G_N_ELEMENTS(part), hash))
        return false;
    memcpy(o->bytes + o->hash_at, hash, size);
    return true;
}

bool
ike1_out_seal(const struct ike1 *k, struct ike1_out *o, uint8_t iv[IKE1_BLOCK_MAX])
{
    isakmp_end_padded(&o->m, ike1_block_size(k->suite.cipher));
    return writer_ok(&o->w) &&
           ike1_encrypt(&k->keys, iv, o->bytes + ISAKMP_HEADER, o->w.len - ISAKMP_HEADER);
}

/* ---- ids of past exchanges ---- */

bool
ike1_id_is_used(const struct ike1 *k, uint32_t message_id)
{
    for (unsigned i = 0; i < k->n_ids; i++)
        if (k->ids[i] == message_id)
            return true;
    return false;
}

void
ike1_id_use(struct ike1 *k, uint32_t message_id)
{
    if (k->n_ids == k->ids_room && k->ids_room < IKE1_IDS_MAX) {
        k->ids_room = MAX(IDS_FIRST, k->ids_room * 2u);
        k->ids = g_renew(uint32_t, k->ids, k->ids_room);
    }
    if (k->n_ids < k->ids_room) {
        k->ids[k->n_ids++] = message_id;
        return;
    }
    k->ids[k->ids_next] = message_id;
    k->ids_next = (k->ids_next + 1) % IKE1_IDS_MAX;
    k->ids_lost = true;
}

uint32_t
ike1_new_message_id(const struct ike1 *k)
{
    uint32_t id = 0;

    for (unsigned i = 0; i < 8 && (id == 0 || ike1_id_is_used(k, id)); i++)
        k->ops->random(k->owner, &id, sizeof(id));
    return id | (id == 0);
}

int64_t
ike1_backoff_us(unsigned tries)
{
    return IKE1_US << MIN(tries, BACKOFF_MAX);
}
