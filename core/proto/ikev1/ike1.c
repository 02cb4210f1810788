/* SPDX-License-Identifier: Apache-2.0 */
/* ike1.c - see ike1.h: making and freeing, which exchange a message is of, and time. */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

#include <stdarg.h>

/* ---- telling ---- */

void
ike1_say(struct ike1 *k, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_vsnprintf(k->problem, sizeof(k->problem), format, args);
    va_end(args);
}

void
ike1_end(struct ike1 *k, enum ike1_end why, int64_t now_us)
{
    if (ike1_is_over(k))
        return;
    k->why = why;
    k->state = k->starting ? IKE1_STATE_ENDING : IKE1_STATE_OVER;
    k->until_us = now_us;
    if (!k->starting)
        k->ops->ended(k->owner, why, now_us);
}

const char *
ike1_agreed(const struct ike1 *k)
{
    return k->agreed;
}

const char *
ike1_problem(const struct ike1 *k)
{
    return k->problem;
}

bool
ike1_is_established(const struct ike1 *k)
{
    return k->state == IKE1_STATE_UP;
}

bool
ike1_nat(const struct ike1 *k, bool *peer_behind, bool *we_behind)
{
    *peer_behind = k->natt && k->peer_behind;
    *we_behind = k->natt && k->we_behind;
    return k->natt;
}

const uint8_t *
ike1_cookies(const struct ike1 *k)
{
    return k->cookies;
}

/* ---- beginning and end ---- */

static bool
is_zero(const uint8_t cookie[IKE1_COOKIE])
{
    static const uint8_t zero[IKE1_COOKIE];

    return memcmp(cookie, zero, IKE1_COOKIE) == 0;
}

/* A message that begins phase 1: in clear, with one SA, and no cookie of ours. */
static bool
read_first(struct reader message, struct ike1_in *in)
{
    struct reader r = message;

    if (message.left > IKE1_MESSAGE_MAX || !isakmp_header_read(&r, &in->h))
        return false;
    in->whole = reader_of(message.at, in->h.length);
    in->body = r;
    if ((in->h.exchange != ISAKMP_MAIN && in->h.exchange != ISAKMP_AGGRESSIVE) ||
        in->h.flags & ISAKMP_ENCRYPTED || in->h.message_id != 0 || is_zero(in->h.initiator) ||
        !is_zero(in->h.responder) || !isakmp_payloads_read(r, in->h.next, &in->all))
        return false;
    return isakmp_find(&in->all, ISAKMP_SA, 0) && !isakmp_find(&in->all, ISAKMP_SA, 1);
}

struct ike1 *
ike1_new(const struct ike1_config *config, const struct ike1_ops *ops, void *owner,
         struct reader message, int64_t now_us)
{
    struct ike1_in in = {0};

    if (!read_first(message, &in))
        return NULL;
    struct ike1 *k = g_new0(struct ike1, 1);
    k->ops = ops;
    k->owner = owner;
    k->c = *config;
    if (k->c.cert)
        X509_up_ref(k->c.cert);
    if (k->c.key)
        EVP_PKEY_up_ref(k->c.key);
    if (k->c.chain)
        k->c.chain = X509_chain_up_ref(k->c.chain);
    memcpy(k->cookies, in.h.initiator, IKE1_COOKIE);
    memcpy(k->cookies + IKE1_COOKIE, config->cookie, IKE1_COOKIE);
    k->exchange = in.h.exchange;
    k->first_len = in.whole.left;
    k->until_us = now_us + IKE1_NEGOTIATION_S * IKE1_US;
    k->heard_us = now_us;
    ike1_read_vendors(k, &in);
    k->starting = true;
    bool ok = k->exchange == ISAKMP_MAIN ? ike1_main_start(k, &in, now_us)
                                         : ike1_aggressive_start(k, &in, now_us);
    k->starting = false;
    if (ok)
        return k;
    ike1_free(k);
    return NULL;
}

void
ike1_free(struct ike1 *k)
{
    if (!k)
        return;
    ike1_forget(&k->memory);
    struct secret *held[] = {k->sa_i,     k->nonce_i, k->nonce_r, k->public_i,
                             k->public_r, k->shared,  k->id_i};
    for (size_t i = 0; i < ARRAY_LEN(held); i++)
        secret_free(held[i]);
    for (unsigned i = 0; i < IKE1_QUICK_MAX; i++)
        ike1_quick_clear(&k->quick[i]);
    for (unsigned i = 0; i < IKE1_CHILDREN_MAX; i++)
        ike1_child_clear(&k->child[i]);
    for (unsigned i = 0; i < IKE1_REPEATS_MAX; i++)
        secret_free(k->repeat[i].message);
    g_free(k->ids);
    X509_free(k->c.cert);
    EVP_PKEY_free(k->c.key);
    sk_X509_pop_free(k->c.chain, X509_free);
    secret_wipe(k, sizeof(*k));
    g_free(k);
}

void
ike1_close(struct ike1 *k, bool children, int64_t now_us)
{
    uint32_t spi[IKE1_CHILDREN_MAX];
    unsigned n = 0;

    if (ike1_is_over(k))
        return;
    for (unsigned i = 0; children && i < IKE1_CHILDREN_MAX; i++)
        if (k->child[i].used)
            spi[n++] = k->child[i].spi_in;
    ike1_send_delete_esp(k, spi, n, now_us);
    ike1_send_delete_sa(k, now_us);
    ike1_end(k, IKE1_END_CLOSED, now_us);
}

/* ---- events ---- */

static bool
is_ours(const struct ike1 *k, const struct isakmp_header *h)
{
    /* The first message comes again without our cookie, and phase 1 knows it. */
    return memcmp(h->initiator, k->cookies, IKE1_COOKIE) == 0 &&
           (is_zero(h->responder)
                ? h->exchange == ISAKMP_MAIN || h->exchange == ISAKMP_AGGRESSIVE
                : memcmp(h->responder, k->cookies + IKE1_COOKIE, IKE1_COOKIE) == 0);
}

void
ike1_receive(struct ike1 *k, struct reader message, const struct endpoint *remote,
             const struct endpoint *local, bool *proven, int64_t now_us)
{
    struct ike1_in in = {.remote = *remote, .local = *local};
    struct reader r = message;

    *proven = false;
    if (ike1_is_over(k) || message.left > IKE1_MESSAGE_MAX || !isakmp_header_read(&r, &in.h) ||
        !is_ours(k, &in.h))
        return;
    in.whole = reader_of(message.at, in.h.length);
    in.body = r;
    switch (in.h.exchange) {
    case ISAKMP_MAIN:
    case ISAKMP_AGGRESSIVE:
        ike1_phase1_receive(k, &in, now_us);
        break;
    case ISAKMP_QUICK:
        ike1_quick_receive(k, &in, now_us);
        break;
    case ISAKMP_INFORMATIONAL:
        ike1_info_receive(k, &in, now_us);
        break;
    case ISAKMP_TRANSACTION:
        ike1_say(k, "asks for XAUTH or mode config (a transaction exchange), which is not spoken");
        break;
    default:
        break;
    }
    *proven = in.proven;
    if (in.proven)
        ike1_heard(k, now_us);
}

void
ike1_computed(struct ike1 *k, struct ike1_dh *job, int64_t now_us)
{
    if (!job)
        return;
    if (!ike1_is_over(k) && job == k->job) {
        k->job = NULL;
        ike1_phase1_computed(k, job, now_us);
    } else if (!ike1_is_over(k)) {
        for (unsigned i = 0; i < IKE1_QUICK_MAX; i++) {
            if (k->quick[i].job != job)
                continue;
            if (ike1_quick_computed(k, &k->quick[i], job, now_us))
                return;
            break;
        }
    }
    ike1_dh_free(job);
}

void
ike1_heard(struct ike1 *k, int64_t now_us)
{
    k->heard_us = now_us;
    k->dpd_tries = 0;
}

/* ---- time ---- */

int64_t
ike1_deadline(const struct ike1 *k)
{
    if (k->state == IKE1_STATE_OVER)
        return 0;
    int64_t at = k->until_us;
    if (k->state == IKE1_STATE_UP) {
        at = MIN(at, ike1_quicks_deadline(k));
        at = MIN(at, ike1_children_deadline(k));
        at = MIN(at, ike1_info_deadline(k));
    }
    return MAX(at, 1);
}

static void
end_of_phase_1(struct ike1 *k, int64_t now_us)
{
    if (k->state == IKE1_STATE_UP) {
        ike1_send_delete_sa(k, now_us);
        ike1_end(k, IKE1_END_EXPIRED, now_us);
        return;
    }
    if (k->problem[0] == '\0')
        ike1_say(k, "the peer went away before it had proven who it is");
    ike1_end(k, k->bad > 0 ? IKE1_END_WRONG_KEY : IKE1_END_TIMEOUT, now_us);
}

void
ike1_tick(struct ike1 *k, int64_t now_us)
{
    if (k->state == IKE1_STATE_OVER)
        return;
    if (k->state == IKE1_STATE_ENDING) {
        k->state = IKE1_STATE_OVER;
        k->ops->ended(k->owner, k->why, now_us);
        return;
    }
    if (k->state == IKE1_STATE_UP) {
        ike1_children_tick(k, now_us);
        ike1_quicks_tick(k, now_us);
        if (!ike1_is_over(k))
            ike1_info_tick(k, now_us);
    }
    if (!ike1_is_over(k) && now_us >= k->until_us)
        end_of_phase_1(k, now_us);
}
