/* SPDX-License-Identifier: Apache-2.0 */
/* ike.c - see ike.h. */

#include "core/proto/ipsec/ike.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/proto/ipsec/peer.h"

#include <openssl/x509_vfy.h>

#include <string.h>

enum { LOG_BURST = 5, LOG_TEXT = 80 };

/* ---- what the machine asks for ---- */

static void
op_send(void *owner, struct reader message, int64_t now_us)
{
    struct ipsec_ike *k = owner;
    uint16_t len = (uint16_t)message.left;

    (void)now_us;
    if (k->mute || message.left > IPSEC_MESSAGE_MAX)
        return;
    if (!k->out)
        k->out = g_byte_array_new();
    g_byte_array_append(k->out, (const guint8 *)&len, sizeof(len));
    g_byte_array_append(k->out, message.at, len);
}

static void
op_random(void *owner, void *out, size_t n)
{
    (void)owner;
    random_bytes(out, n);
}

static void
op_compute(void *owner, struct ike1_dh *job)
{
    struct ipsec_ike *k = owner;

    if (ipsec_compute(k->home, k->cookies + IKE1_COOKIE, job))
        return;
    ike1_dh_free(job);
    k->doomed = true;
}

/* The n-th router with a key of its own. */
static const struct router *
router_with_key(const struct router_book *b, unsigned n)
{
    for (unsigned i = 0; b && i < router_book_n(b); i++) {
        const struct router *r = router_book_at(b, i);
        if (r->psk && n-- == 0)
            return r;
    }
    return NULL;
}

static bool
op_key(void *owner, const struct ike1_id *id, unsigned n, struct ike1_key *out)
{
    const struct ipsec_ike *k = owner;
    const struct ipsec_settings *s = k->rules->settings;
    const struct router *r = NULL;

    if (id) { /* aggressive mode: the identity's own, or none */
        r = s->routers ? router_book_find(s->routers, id->text) : NULL;
        if (n > 0 || !r || !r->aggressive)
            return false;
        *out = (struct ike1_key){.psk = r->psk ? r->psk : s->psk, .tag = (void *)(uintptr_t)r};
        return out->psk != NULL;
    }
    if (s->psk && n == 0) {
        *out = (struct ike1_key){.psk = s->psk};
        return true;
    }
    r = router_with_key(s->routers, n - (s->psk ? 1 : 0));
    if (!r)
        return false;
    *out = (struct ike1_key){.psk = r->psk, .tag = (void *)(uintptr_t)r};
    return true;
}

static void
log_refused(struct ipsec_ike *k, const char *identity, const char *why, int64_t now_us)
{
    char text[LOG_TEXT];
    char at[ENDPOINT_TEXT];
    struct endpoint remote = {0};
    unsigned left_out = 0;

    (void)!udp_source_remote(k->arriving ? k->arriving : &k->to, &remote);
    if (log_limit_pass(&k->home->log_refused, LOG_BURST, now_us, &left_out))
        log_warning("IPsec peer refused", "peer=%s identity=%s reason=\"%s\" left_out=%u",
                    endpoint_print(&remote, at),
                    log_text(text, sizeof(text), identity, strlen(identity)), why, left_out);
}

static void
print_name(const X509_NAME *name, char out[LOG_TEXT])
{
    char *text = X509_NAME_oneline(name, NULL, 0);

    (void)log_text(out, LOG_TEXT, text ? text : "", text ? strlen(text) : 0);
    OPENSSL_free(text);
}

/* For who has to find out what is wrong with a certificate. */
static void
log_distrust(struct ipsec_ike *k, X509 *cert, X509_STORE_CTX *ctx)
{
    int error = X509_STORE_CTX_get_error(ctx);
    bool own = X509_STORE_CTX_get_error_depth(ctx) == 0;
    char subject[LOG_TEXT];
    char issuer[LOG_TEXT];
    char why[256];

    print_name(X509_get_subject_name(cert), subject);
    print_name(X509_get_issuer_name(cert), issuer);
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        (void)g_snprintf(why, sizeof(why),
                         "no hub trusts who signed its certificate (%s); polyetherctl ca list HUB "
                         "shows who is trusted",
                         issuer);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        (void)g_snprintf(why, sizeof(why), "%s %s",
                         own ? "its certificate" : "an authority's certificate",
                         error == X509_V_ERR_CERT_HAS_EXPIRED ? "has expired" : "is not valid yet");
        break;
    default:
        (void)g_snprintf(why, sizeof(why), "its certificate: %s",
                         X509_verify_cert_error_string(error));
        break;
    }
    log_refused(k, subject, why, worker_now_us(k->home->worker));
}

static bool
op_trusts(void *owner, X509 *cert, STACK_OF(X509) * chain)
{
    struct ipsec_ike *k = owner;
    X509_STORE_CTX *ctx = k->rules->cas ? X509_STORE_CTX_new() : NULL;
    bool ok = false;

    if (ctx && X509_STORE_CTX_init(ctx, k->rules->cas, cert, chain) == 1) {
        ok = X509_verify_cert(ctx) == 1;
        if (!ok)
            log_distrust(k, cert, ctx);
    }
    X509_STORE_CTX_free(ctx);
    return ok;
}

/* Whoever knows one key is not by that whom another key is for. */
static bool
op_established(void *owner, const struct ike1_id *id, void *tag, X509 *cert, int64_t now_us)
{
    struct ipsec_ike *k = owner;
    const struct router_book *book = k->rules->settings->routers;
    const struct router *r = book ? router_book_find(book, id->text) : NULL;
    const struct router *of_key = tag;
    const char *why = NULL;

    if (of_key && of_key != r)
        why = "the key is another router's";
    else if (!of_key && !cert && r && r->psk)
        why = "this identity has a key of its own";
    else if (k->home->n_peers >= IPSEC_PEERS)
        why = "too many peers";
    if (why) {
        log_refused(k, id->text, why, now_us);
        return false;
    }
    k->id = *id;
    k->router = r;
    k->fresh = true;
    return true;
}

static void
op_initial_contact(void *owner, int64_t now_us)
{
    struct ipsec_ike *k = owner;

    (void)now_us;
    k->initial_contact = true;
}

static uint32_t
op_new_spi(void *owner)
{
    const struct ipsec_ike *k = owner;

    return ipsec_home_new_spi(k->home);
}

static bool
op_child_up(void *owner, const struct esp_child *c, int64_t now_us)
{
    struct ipsec_ike *k = owner;

    return k->peer && !k->peer->ended && ipsec_child_up(k->peer, c, now_us);
}

/* The peer's child, or NULL. */
static struct ipsec_child *
own_child(const struct ipsec_ike *k, uint32_t spi_in)
{
    struct ipsec_child *c = ipsec_child_find(k->home, spi_in);

    return c && c->peer == k->peer ? c : NULL;
}

static void
op_child_confirmed(void *owner, uint32_t spi_in, int64_t now_us)
{
    struct ipsec_child *c = own_child(owner, spi_in);

    if (c)
        ipsec_child_confirm(c, now_us);
}

static void
op_child_down(void *owner, uint32_t spi_in, int64_t now_us)
{
    struct ipsec_ike *k = owner;
    struct ipsec_child *c = own_child(k, spi_in);

    (void)now_us;
    if (!c)
        return;
    ipsec_child_free(c);
    ipsec_home_chore(k->home, k->peer);
}

static void
op_ended(void *owner, enum ike1_end why, int64_t now_us)
{
    struct ipsec_ike *k = owner;

    (void)now_us;
    k->ended = true;
    k->why = why;
}

static const struct ike1_ops ops = {
    .send = op_send,
    .random = op_random,
    .compute = op_compute,
    .key = op_key,
    .trusts = op_trusts,
    .established = op_established,
    .initial_contact = op_initial_contact,
    .new_spi = op_new_spi,
    .child_up = op_child_up,
    .child_confirmed = op_child_confirmed,
    .child_down = op_child_down,
    .ended = op_ended,
};

/* ---- half-open ---- */

static void
uncount(struct ipsec_ike *k)
{
    struct ipsec_home *h = k->home;

    if (!k->counted)
        return;
    if (k->prev)
        k->prev->next = k->next;
    else
        h->oldest = k->next;
    if (k->next)
        k->next->prev = k->prev;
    else
        h->newest = k->prev;
    k->counted = false;
    admission_leave(h->server->half_open, &k->counted_ip);
}

/* When there are too many in all, the oldest of this home makes room: all of them have shown that
 * their address is their own, and who is real is done within a second. */
static bool
count(struct ipsec_ike *k)
{
    struct ipsec_home *h = k->home;
    struct admission *a = h->server->half_open;
    struct endpoint remote;

    if (!udp_source_remote(&k->to, &remote))
        return false;
    bool ok = admission_enter(a, &remote.ip);
    if (!ok && h->oldest && admission_is_full(a)) {
        ipsec_ike_free(h->oldest);
        ok = admission_enter(a, &remote.ip);
    }
    if (!ok) {
        atomic_fetch_add_explicit(&h->server->counts.refused, 1, memory_order_relaxed);
        return false;
    }
    k->counted = true;
    k->counted_ip = remote.ip;
    k->next = NULL;
    k->prev = h->newest;
    if (h->newest)
        h->newest->next = k;
    else
        h->oldest = k;
    h->newest = k;
    return true;
}

/* ---- after a call ---- */

static void
log_end(struct ipsec_ike *k, int64_t now_us)
{
    struct ipsec_home *h = k->home;
    struct ipsec_counts *n = &h->server->counts;
    char at[ENDPOINT_TEXT];
    struct endpoint remote = {0};
    unsigned left_out = 0;

    (void)!udp_source_remote(&k->to, &remote);
    (void)endpoint_print(&remote, at);
    switch (k->why) {
    case IKE1_END_NO_PROPOSAL:
        atomic_fetch_add_explicit(&n->no_proposal, 1, memory_order_relaxed);
        if (log_limit_pass(&h->log_proposal, LOG_BURST, now_us, &left_out))
            log_warning("IPsec: no proposal in common", "peer=%s offered=\"%s\" left_out=%u", at,
                        ike1_problem(k->machine), left_out);
        break;
    case IKE1_END_WRONG_KEY:
        atomic_fetch_add_explicit(&n->wrong_key, 1, memory_order_relaxed);
        if (log_limit_pass(&h->log_key, LOG_BURST, now_us, &left_out))
            log_warning("IPsec peer could not prove itself", "peer=%s reason=\"%s\" left_out=%u",
                        at, ike1_problem(k->machine), left_out);
        break;
    case IKE1_END_REFUSED: /* log_refused() has said why */
    case IKE1_END_TIMEOUT:
    case IKE1_END_PROTOCOL:
    case IKE1_END_DELETED:
    case IKE1_END_EXPIRED:
    case IKE1_END_DEAD:
    case IKE1_END_CLOSED:
        log_debug("IPsec: an IKE SA has ended", "peer=%s reason=%d", at, (int)k->why);
        break;
    }
}

static void
send_out(struct ipsec_ike *k)
{
    g_autoptr(GByteArray) out = g_steal_pointer(&k->out);
    struct reader r = out ? reader_of(out->data, out->len) : reader_of(NULL, 0);

    while (r.left > 0) {
        uint16_t len;
        reader_copy(&r, &len, sizeof(len));
        ipsec_home_send(k->home, &k->to, reader_sub(&r, len));
    }
}

static void on_timer(struct timer *t, int64_t now_us);

static void
arm(struct ipsec_ike *k)
{
    struct timer_wheel *w = worker_timers(k->home->worker);
    int64_t due_us = ike1_deadline(k->machine);

    if (due_us > 0)
        timer_arm(w, &k->timer, due_us);
    else
        timer_cancel(w, &k->timer);
}

/* Does what the machine has said in the call that just returned. k may be gone afterwards. */
static void
settle(struct ipsec_ike *k, int64_t now_us)
{
    if (k->fresh && !k->ended) {
        k->fresh = false;
        uncount(k);
        if (!ipsec_peer_adopt_ike(k, now_us))
            ike1_close(k->machine, true, now_us);
    }
    send_out(k);
    if (!k->ended && !k->doomed) {
        arm(k);
        return;
    }
    if (k->ended)
        log_end(k, now_us);
    struct ipsec_peer *p = k->peer;
    enum ike1_end why = k->ended ? k->why : IKE1_END_CLOSED;
    if (p)
        ipsec_peer_lose_ike(p, k, why, now_us);
    ipsec_ike_free(k);
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct ipsec_ike *k = container_of(t, struct ipsec_ike, timer);

    if (k->peer && k->peer->heard_us > k->heard_us) {
        k->heard_us = k->peer->heard_us;
        ike1_heard(k->machine, k->heard_us);
    }
    ike1_tick(k->machine, now_us);
    settle(k, now_us);
}

/* ---- messages ---- */

void
ipsec_ike_receive(struct ipsec_ike *k, const struct udp_source *from, struct reader message,
                  int64_t now_us)
{
    struct endpoint remote;
    struct endpoint local;
    bool proven = false;
    bool was_up = ike1_is_established(k->machine);

    if (memcmp(message.at, k->cookies, IKE1_COOKIE) != 0 || !udp_source_remote(from, &remote))
        return;
    udp_source_local(from, &local);
    k->arriving = from;
    if (!was_up) /* it answers where the peer is for now, and only to who knows both cookies */
        k->to = *from;
    ike1_receive(k->machine, message, &remote, &local, &proven, now_us);
    if (proven && was_up) {
        k->to = *from;
        if (k->peer) {
            k->peer->heard_us = now_us;
            if (from->port == k->peer->at.port && !ipsec_peer_is_at(k->peer, from))
                ipsec_peer_move(k->peer, from, now_us);
        }
    }
    k->arriving = NULL;
    settle(k, now_us);
}

void
ipsec_ike_computed(struct ipsec_ike *k, struct ike1_dh *job, int64_t now_us)
{
    ike1_computed(k->machine, job, now_us);
    settle(k, now_us);
}

void
ipsec_ike_close(struct ipsec_ike *k, bool children, int64_t now_us)
{
    ike1_close(k->machine, children, now_us);
    k->doomed = true; /* whatever it says */
    settle(k, now_us);
}

void
ipsec_ike_rekey(struct ipsec_ike *k, uint32_t spi_in, int64_t now_us)
{
    ike1_rekey(k->machine, spi_in, now_us);
    settle(k, now_us);
}

void
ipsec_ike_delete_child(struct ipsec_ike *k, uint32_t spi_in, int64_t now_us)
{
    ike1_delete_child(k->machine, spi_in, now_us);
    settle(k, now_us);
}

/* ---- life ---- */

static struct ipsec_ike *
make(struct ipsec_home *h, const struct udp_source *from, const uint8_t cookie[IKE1_COOKIE],
     struct reader message, bool mute, int64_t now_us)
{
    const struct ipsec_settings *s = h->rules->settings;
    struct ipsec_ike *k = g_new0(struct ipsec_ike, 1);
    struct ike1_config c = {
        .force_udp = !ipsec_home_has_raw(h),
        .weak = s->weak,
        .cert = h->rules->cert,
        .key = h->rules->key,
        .chain = h->rules->chain,
        .dpd_s = s->dpd_s,
        .public_ip = s->public_ip,
    };

    k->home = h;
    k->rules = ipsec_rules_ref(h->rules);
    k->to = *from;
    k->mute = mute;
    timer_init(&k->timer, on_timer);
    memcpy(k->cookies, message.at, IKE1_COOKIE);
    memcpy(k->cookies + IKE1_COOKIE, cookie, IKE1_COOKIE);
    memcpy(c.cookie, cookie, IKE1_COOKIE);
    udp_source_local(from, &c.local);
    if (udp_source_remote(from, &c.remote))
        k->machine = ike1_new(&c, &ops, k, message, now_us);
    if (k->machine && !k->ended)
        ike1_tick(k->machine, now_us); /* tells now if there is nothing to hope for */
    k->mute = false;
    return k;
}

bool
ipsec_ike_probe(struct ipsec_home *h, const struct udp_source *from,
                const uint8_t cookie[IKE1_COOKIE], struct reader message, int64_t now_us)
{
    struct ipsec_ike *k = make(h, from, cookie, message, false, now_us);
    bool ok = k->machine && !k->ended && k->out;

    send_out(k);
    if (k->ended)
        log_end(k, now_us);
    ipsec_ike_free(k);
    return ok;
}

struct ipsec_ike *
ipsec_ike_new(struct ipsec_home *h, const struct udp_source *from,
              const uint8_t cookie[IKE1_COOKIE], struct reader message, bool mute, int64_t now_us)
{
    struct ipsec_ike *k = make(h, from, cookie, message, mute, now_us);

    if (!k->machine || k->ended || k->doomed || ipsec_ike_find(h, cookie) || !count(k)) {
        send_out(k);
        if (k->ended)
            log_end(k, now_us);
        ipsec_ike_free(k);
        return NULL;
    }
    g_hash_table_insert(h->ikes, k->cookies + IKE1_COOKIE, k);
    send_out(k);
    arm(k);
    return k;
}

struct ipsec_ike *
ipsec_ike_find(const struct ipsec_home *h, const uint8_t cookie[IKE1_COOKIE])
{
    return g_hash_table_lookup(h->ikes, cookie);
}

void
ipsec_ike_free(struct ipsec_ike *k)
{
    struct ipsec_home *h = k->home;

    uncount(k);
    if (ipsec_ike_find(h, k->cookies + IKE1_COOKIE) == k)
        g_hash_table_remove(h->ikes, k->cookies + IKE1_COOKIE);
    timer_cancel(worker_timers(h->worker), &k->timer);
    if (k->out)
        g_byte_array_unref(k->out);
    ike1_free(k->machine);
    ipsec_rules_unref(k->rules);
    g_free(k);
}
