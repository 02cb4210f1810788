/* SPDX-License-Identifier: Apache-2.0 */
/* children.c - the children of an SA: their keys are the owner's, what is kept here is how to know
 * them again, how to renew them, and when they end. */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

enum {
    CHILD_LIFE_S = 28800,         /* where nobody said: RFC 2407, 4.5 */
    CHILD_LIFE_MAX_S = 7 * 86400, /* longer ones are cut: nothing is for ever */
};

struct ike1_child *
ike1_child_find(struct ike1 *k, uint32_t spi_in)
{
    for (unsigned i = 0; i < IKE1_CHILDREN_MAX; i++)
        if (k->child[i].used && k->child[i].spi_in == spi_in)
            return &k->child[i];
    return NULL;
}

struct ike1_child *
ike1_child_find_out(struct ike1 *k, uint32_t spi_out)
{
    for (unsigned i = 0; i < IKE1_CHILDREN_MAX; i++)
        if (k->child[i].used && k->child[i].spi_out == spi_out)
            return &k->child[i];
    return NULL;
}

void
ike1_child_clear(struct ike1_child *c)
{
    secret_free(c->id_local);
    secret_free(c->id_remote);
    *c = (struct ike1_child){0};
}

void
ike1_child_drop(struct ike1 *k, struct ike1_child *c, bool tell_peer, int64_t now_us)
{
    uint32_t spi_in = c->spi_in;

    ike1_child_clear(c);
    if (tell_peer)
        ike1_send_delete_esp(k, &spi_in, 1, now_us);
    k->ops->child_down(k->owner, spi_in, now_us);
}

/* ---- room ---- */

static bool
same_id(const struct secret *a, const struct secret *b)
{
    if (!a || !b)
        return a == b;
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool
has_successor(const struct ike1 *k, const struct ike1_child *old)
{
    for (unsigned i = 0; i < IKE1_CHILDREN_MAX; i++) {
        const struct ike1_child *c = &k->child[i];
        if (c->used && c->confirmed && c->serial > old->serial &&
            same_id(c->id_local, old->id_local) && same_id(c->id_remote, old->id_remote))
            return true;
    }
    return false;
}

static struct ike1_child *
free_slot(struct ike1 *k)
{
    for (unsigned i = 0; i < IKE1_CHILDREN_MAX; i++)
        if (!k->child[i].used)
            return &k->child[i];
    return NULL;
}

/* Peers that renew their keys every few seconds, and do not always say which are no more, must not
 * come to an end by that. */
bool
ike1_child_room(struct ike1 *k, int64_t now_us)
{
    struct ike1_child *oldest = NULL;

    if (free_slot(k))
        return true;
    for (unsigned i = 0; i < IKE1_CHILDREN_MAX; i++) {
        struct ike1_child *c = &k->child[i];
        if ((!oldest || c->serial < oldest->serial) && has_successor(k, c))
            oldest = c;
    }
    if (!oldest)
        return false;
    ike1_child_drop(k, oldest, true, now_us);
    return !ike1_is_over(k) && free_slot(k);
}

/* ---- making one ---- */

static int64_t
end_of(uint32_t life_s, int64_t now_us)
{
    uint32_t s = life_s == 0 ? CHILD_LIFE_S : MIN(life_s, CHILD_LIFE_MAX_S);

    return now_us + (s + IKE1_CHILD_MARGIN_S) * IKE1_US;
}

static bool
fill(const struct ike1 *k, const struct ike1_quick *q, struct pf_slice shared,
     struct esp_child *out)
{
    const struct secret *local = q->ours ? q->id_i : q->id_r;
    const struct secret *remote = q->ours ? q->id_r : q->id_i;
    const struct ike1_child_ingredients from = {.shared = shared,
                                                .nonce_i = ike1_slice_of(q->nonce_i),
                                                .nonce_r = ike1_slice_of(q->nonce_r)};
    size_t len = esp_keymat_size(&q->suite.esp);

    *out = (struct esp_child){.suite = q->suite.esp,
                              .tunnel = q->suite.tunnel,
                              .udp = k->udp,
                              .spi_in = q->spi_in,
                              .spi_out = q->spi_out,
                              .life_s = q->suite.life_s,
                              .life_kib = q->suite.life_kib};
    if (len == 0 || len > ESP_KEYMAT_MAX)
        return false;
    if ((local && !ike1_id_selector(reader_of(local->bytes, local->len), &out->local)) ||
        (remote && !ike1_id_selector(reader_of(remote->bytes, remote->len), &out->remote)))
        return false;
    return ike1_keymat(&k->keys, &from, q->spi_in, out->keymat_in, len) &&
           ike1_keymat(&k->keys, &from, q->spi_out, out->keymat_out, len);
}

bool
ike1_child_make(struct ike1 *k, struct ike1_quick *q, struct pf_slice shared, int64_t now_us)
{
    struct ike1_child *c = free_slot(k);
    struct esp_child child;
    uint32_t spi_in = q->spi_in;

    if (!c)
        return false;
    bool ok = fill(k, q, shared, &child);
    if (ok) {
        const struct secret *local = q->ours ? q->id_i : q->id_r;
        const struct secret *remote = q->ours ? q->id_r : q->id_i;
        *c =
            (struct ike1_child){.used = true,
                                .spi_in = q->spi_in,
                                .spi_out = q->spi_out,
                                .suite = q->suite,
                                .id_local = local ? secret_new(local->bytes, local->len) : NULL,
                                .id_remote = remote ? secret_new(remote->bytes, remote->len) : NULL,
                                .end_us = end_of(q->suite.life_s, now_us),
                                .serial = ++k->next_serial};
        ok = k->ops->child_up(k->owner, &child, now_us);
    }
    secret_wipe(&child, sizeof(child));
    if (!ok && (c = ike1_child_find(k, spi_in)))
        ike1_child_clear(c);
    return ok && !ike1_is_over(k);
}

void
ike1_child_confirm(struct ike1 *k, uint32_t spi_in, int64_t now_us)
{
    struct ike1_child *c = ike1_child_find(k, spi_in);

    if (!c || c->confirmed)
        return;
    c->confirmed = true;
    k->ops->child_confirmed(k->owner, spi_in, now_us);
}

/* ---- of another SA ---- */

static struct secret *
id_of(const struct esp_selector *s)
{
    uint8_t body[64];
    struct writer w = writer_of(body, sizeof(body));
    size_t len = s->first.family == 4 ? 4 : 16;

    if (s->first.family == 0)
        return NULL;
    if (ip_equal(&s->first, &s->last))
        ike1_id_write_ip(&w, &s->first, s->protocol, s->port);
    else {
        writer_u8(&w, s->first.family == 4 ? IKE1_ID_IPV4_RANGE : IKE1_ID_IPV6_RANGE);
        writer_u8(&w, s->protocol);
        writer_u16(&w, s->port);
        writer_bytes(&w, s->first.b, len);
        writer_bytes(&w, s->last.b, len);
    }
    return writer_ok(&w) ? secret_new(body, w.len) : NULL;
}

void
ike1_adopt(struct ike1 *k, const struct esp_child *c)
{
    struct ike1_child *child = free_slot(k);

    if (!child || ike1_is_over(k) || ike1_child_find(k, c->spi_in))
        return;
    struct ike1_child_suite suite = {
        .esp = c->suite, .tunnel = c->tunnel, .life_s = c->life_s, .life_kib = c->life_kib};
    /* Its age is not known: from what was heard last it has its whole life before it. */
    *child = (struct ike1_child){.used = true,
                                 .confirmed = true,
                                 .spi_in = c->spi_in,
                                 .spi_out = c->spi_out,
                                 .suite = suite,
                                 .id_local = id_of(&c->local),
                                 .id_remote = id_of(&c->remote),
                                 .end_us = end_of(c->life_s, k->heard_us)};
    if (!child->id_local || !child->id_remote) { /* both or none */
        secret_free(child->id_local);
        secret_free(child->id_remote);
        child->id_local = child->id_remote = NULL;
    }
}

void
ike1_delete_child(struct ike1 *k, uint32_t spi_in, int64_t now_us)
{
    struct ike1_child *c = ike1_child_find(k, spi_in);

    if (!c || ike1_is_over(k))
        return;
    ike1_child_clear(c);
    ike1_send_delete_esp(k, &spi_in, 1, now_us);
}

/* ---- time ---- */

void
ike1_children_tick(struct ike1 *k, int64_t now_us)
{
    for (unsigned i = 0; i < IKE1_CHILDREN_MAX && !ike1_is_over(k); i++) {
        struct ike1_child *c = &k->child[i];
        if (c->used && now_us >= c->end_us)
            ike1_child_drop(k, c, true, now_us);
    }
}

int64_t
ike1_children_deadline(const struct ike1 *k)
{
    int64_t at = INT64_MAX;

    for (unsigned i = 0; i < IKE1_CHILDREN_MAX; i++)
        if (k->child[i].used)
            at = MIN(at, k->child[i].end_us);
    return at;
}
