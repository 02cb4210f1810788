/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - see peer.h. */

#include "core/proto/ipsec/peer.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/proto/ipsec/ike.h"

#include <string.h>

enum { LOG_TEXT = 80, KEEPALIVE = 0xff };

/* ---- tables ---- */

static void
enter_endpoint(struct ipsec_peer *p)
{
    struct ipsec_home *h = p->home;
    struct ipsec_peer *first = g_hash_table_lookup(h->peers_at, &p->remote);

    p->next_here = NULL;
    if (first) {
        p->next_here = first->next_here;
        first->next_here = p;
        return;
    }
    p->claimed = ipsec_server_claim(h->server, &p->remote, ipsec_home_index(h));
    g_hash_table_insert(h->peers_at, &p->remote, p);
}

static void
leave_endpoint(struct ipsec_peer *p)
{
    struct ipsec_home *h = p->home;
    struct ipsec_peer *first = g_hash_table_lookup(h->peers_at, &p->remote);

    if (first != p) {
        for (; first; first = first->next_here)
            if (first->next_here == p)
                first->next_here = p->next_here;
        return;
    }
    g_hash_table_remove(h->peers_at, &p->remote);
    if (p->next_here) {
        p->next_here->claimed = p->claimed;
        g_hash_table_insert(h->peers_at, &p->next_here->remote, p->next_here);
    } else if (p->claimed) {
        ipsec_server_unclaim(h->server, &p->remote);
    }
    p->claimed = false;
}

static struct ipsec_peer *
find(const struct ipsec_home *h, const struct endpoint *remote, const char *identity)
{
    struct ipsec_peer *p = g_hash_table_lookup(h->peers_at, remote);

    while (p && strcmp(p->identity, identity) != 0)
        p = p->next_here;
    return p;
}

static const char *
loggable(const struct ipsec_peer *p, char out[LOG_TEXT])
{
    return log_text(out, LOG_TEXT, p->identity, strlen(p->identity));
}

/* ---- where it is ---- */

bool
ipsec_peer_is_at(const struct ipsec_peer *p, const struct udp_source *source)
{
    struct endpoint remote;

    if (source->port != 0)
        return memcmp(source->peer, p->at.peer, sizeof(source->peer)) == 0 &&
               source->port == p->at.port;
    return udp_source_remote(source, &remote) && ip_equal(&remote.ip, &p->remote.ip);
}

/* Bare ESP says nothing of ports: IKE finds the peer where it was until the peer speaks. */
static void
set_address(struct ipsec_peer *p, const struct udp_source *source)
{
    struct endpoint remote = {0};
    struct endpoint local;

    (void)!udp_source_remote(source, &remote);
    udp_source_local(source, &local);
    if (source->port == 0) {
        remote.port = p->remote.port;
        local.port = p->local.port;
    } else {
        p->at = *source;
    }
    p->remote = remote;
    p->local = local;
}

void
ipsec_peer_move(struct ipsec_peer *p, const struct udp_source *source, int64_t now_us)
{
    char was[ENDPOINT_TEXT];
    char is[ENDPOINT_TEXT];
    char id[LOG_TEXT];

    (void)endpoint_print(&p->remote, was);
    leave_endpoint(p);
    set_address(p, source);
    enter_endpoint(p);
    for (struct ipsec_ike *k = p->ikes; k && source->port != 0; k = k->next_of_peer)
        if (k->to.port == source->port)
            k->to = *source;
    log_info("IPsec peer has moved", "identity=%s from=%s to=%s", loggable(p, id), was,
             endpoint_print(&p->remote, is));
    ipsec_path_changed(p, now_us);
}

/* ---- time ---- */

static void
keep_alive(struct ipsec_peer *p, int64_t now_us)
{
    static const uint8_t one = KEEPALIVE;
    struct udp_port *port = p->home->ports.nat;

    if (!p->behind_nat || !port || p->at.port != port->port ||
        now_us - p->kept_alive_us < IPSEC_KEEPALIVE_S * G_USEC_PER_SEC)
        return;
    p->kept_alive_us = now_us;
    udp_port_send(port, &p->at, &one, 1);
}

/* Children that no IKE SA looks after any more. */
static void
end_old_children(struct ipsec_peer *p, int64_t now_us)
{
    for (struct ipsec_child *c = p->children; c;) {
        struct ipsec_child *next = c->next;
        int64_t life_s = c->sa.life_s > 0 ? c->sa.life_s : IKE1_LIFE_S;
        if (now_us - c->born_us > (life_s + IPSEC_GRACE_S) * G_USEC_PER_SEC)
            ipsec_child_free(c);
        c = next;
    }
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct ipsec_peer *p = container_of(t, struct ipsec_peer, timer);
    int64_t heard_us = MAX(p->heard_us, ipsec_path_last_heard(p));

    timer_arm(worker_timers(p->home->worker), t, now_us + IPSEC_TICK_S * G_USEC_PER_SEC);
    keep_alive(p, now_us);
    end_old_children(p, now_us);
    if (p->n_ikes == 0 && now_us - heard_us > IPSEC_SILENT_S * G_USEC_PER_SEC)
        ipsec_peer_end(p, PE_SESSION_TIMEOUT, now_us);
    else if (p->had_carrier && p->n_carriers == 0 &&
             now_us - p->no_carrier_us > IPSEC_LINGER_S * G_USEC_PER_SEC)
        ipsec_peer_end(p, PE_DISCONNECTED, now_us);
    else
        ipsec_home_chore(p->home, p);
}

static void
free_closed_carriers(struct ipsec_peer *p)
{
    for (struct ipsec_carrier **at = &p->carriers; *at;) {
        struct ipsec_carrier *c = *at;
        if (!c->closed) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        ipsec_path_free(c);
    }
}

static void
renew_children(struct ipsec_peer *p, int64_t now_us)
{
    for (struct ipsec_child *c = p->children; c && p->ikes; c = c->next) {
        if (c->wear != IPSEC_WEAR_SEEN)
            continue;
        c->wear = IPSEC_WEAR_ASKED;
        ipsec_ike_rekey(p->ikes, c->sa.spi_in, now_us);
        return; /* the list may be another one now; the next one comes with the next tick */
    }
}

static void
peer_free(struct ipsec_peer *p)
{
    struct ipsec_home *h = p->home;

    if (p->prev)
        p->prev->next = p->next;
    else
        h->peers = p->next;
    if (p->next)
        p->next->prev = p->prev;
    h->n_peers--;
    atomic_fetch_sub_explicit(&h->server->counts.peers, 1, memory_order_relaxed);
    if (h->fragments)
        ip_reassembly_forget(h->fragments, p);
    router_book_unref(p->book);
    g_free(p->identity);
    g_free(p);
}

void
ipsec_peer_chores(struct ipsec_peer *p, int64_t now_us)
{
    free_closed_carriers(p);
    if (!p->ended) {
        renew_children(p, now_us);
        if (p->n_ikes == 0 && p->n_children == 0)
            ipsec_peer_end(p, p->left ? PE_CANCELLED : PE_DISCONNECTED, now_us);
    }
    if (!p->ended)
        return;
    free_closed_carriers(p);
    if (!p->has_chore) /* else it comes again */
        peer_free(p);
}

/* ---- beginning and end ---- */

static struct ipsec_peer *
peer_new(struct ipsec_ike *k, int64_t now_us)
{
    struct ipsec_home *h = k->home;
    struct ipsec_peer *p = g_new0(struct ipsec_peer, 1);

    p->home = h;
    p->identity = g_strdup(k->id.text);
    p->book = router_book_ref(k->rules->settings->routers);
    p->router = k->router;
    set_address(p, &k->to);
    p->since_us = p->heard_us = p->kept_alive_us = p->no_carrier_us = now_us;
    timer_init(&p->timer, on_timer);
    timer_arm(worker_timers(h->worker), &p->timer, now_us + IPSEC_TICK_S * G_USEC_PER_SEC);
    enter_endpoint(p);
    p->next = h->peers;
    if (p->next)
        p->next->prev = p;
    h->peers = p;
    h->n_peers++;
    atomic_fetch_add_explicit(&h->server->counts.peers, 1, memory_order_relaxed);
    return p;
}

static void
log_established(const struct ipsec_peer *p, const struct ipsec_ike *k, bool again)
{
    char at[ENDPOINT_TEXT];
    char id[LOG_TEXT];
    bool peer_behind = false;
    bool we_behind = false;

    (void)ike1_nat(k->machine, &peer_behind, &we_behind);
    log_info(again ? "IPsec peer renewed" : "IPsec peer established",
             "peer=%s identity=%s algorithms=\"%s\" nat=%s", endpoint_print(&p->remote, at),
             loggable(p, id), p->agreed,
             peer_behind ? (we_behind ? "both" : "peer") : (we_behind ? "server" : "none"));
}

struct ipsec_peer *
ipsec_peer_adopt_ike(struct ipsec_ike *k, int64_t now_us)
{
    struct ipsec_home *h = k->home;
    struct endpoint remote;
    bool peer_behind = false;

    if (!udp_source_remote(&k->to, &remote))
        return NULL;
    struct ipsec_peer *p = find(h, &remote, k->id.text);
    if (p && k->initial_contact) {
        ipsec_peer_end(p, PE_DISCONNECTED, now_us);
        p = NULL;
    }
    bool again = p != NULL;
    if (!p && h->n_peers >= IPSEC_PEERS)
        return NULL;
    if (!p)
        p = peer_new(k, now_us);
    k->peer = p;
    k->next_of_peer = p->ikes;
    p->ikes = k;
    p->n_ikes++;
    p->heard_us = now_us;
    g_strlcpy(p->agreed, ike1_agreed(k->machine), sizeof(p->agreed));
    (void)ike1_nat(k->machine, &peer_behind, &p->behind_nat);
    for (const struct ipsec_child *c = p->children; c; c = c->next)
        ike1_adopt(k->machine, &c->sa);
    log_established(p, k, again);
    return p;
}

void
ipsec_peer_lose_ike(struct ipsec_peer *p, struct ipsec_ike *k, enum ike1_end why, int64_t now_us)
{
    for (struct ipsec_ike **at = &p->ikes; *at; at = &(*at)->next_of_peer) {
        if (*at != k)
            continue;
        *at = k->next_of_peer;
        p->n_ikes--;
        break;
    }
    k->peer = NULL;
    p->left = why == IKE1_END_DELETED;
    if (p->ended)
        return;
    for (const struct ipsec_child *c = p->children; c && p->ikes; c = c->next)
        ike1_adopt(p->ikes->machine, &c->sa);
    if (why == IKE1_END_DEAD && !p->ikes)
        ipsec_peer_end(p, PE_SESSION_TIMEOUT, now_us);
    else
        ipsec_home_chore(p->home, p);
}

static const char *
reason_text(int reason)
{
    if (reason == PE_CANCELLED)
        return "left";
    return reason == PE_SESSION_TIMEOUT ? "silent" : "disconnected";
}

void
ipsec_peer_end(struct ipsec_peer *p, int reason, int64_t now_us)
{
    char at[ENDPOINT_TEXT];
    char id[LOG_TEXT];

    if (p->ended)
        return;
    p->ended = true;
    log_info("IPsec peer ended", "peer=%s identity=%s reason=%s", endpoint_print(&p->remote, at),
             loggable(p, id), reason_text(reason));
    for (struct ipsec_carrier *c = p->carriers; c; c = c->next)
        ipsec_path_close(c, reason, now_us);
    bool newest = true;
    while (p->ikes) {
        ipsec_ike_close(p->ikes, newest, now_us);
        newest = false;
    }
    while (p->children)
        ipsec_child_free(p->children);
    timer_cancel(worker_timers(p->home->worker), &p->timer);
    leave_endpoint(p);
    ipsec_home_chore(p->home, p);
}

/* ---- what is known of it ---- */

void
ipsec_peer_info(const struct ipsec_peer *p, struct ipsec_peer_info *out)
{
    const struct ipsec_child *c = p->children;
    int64_t wall_ms = clock_wall_ms();
    int64_t now_us = worker_now_us(p->home->worker);

    *out = (struct ipsec_peer_info){
        .remote = p->remote,
        .udp = c && c->sa.udp,
        .tunnel = c && c->sa.tunnel,
        .children = p->n_children,
        .carriers = p->n_carriers,
        .since_ms = wall_ms - (now_us - p->since_us) / 1000,
        .last_heard_ms = wall_ms - (now_us - p->heard_us) / 1000,
    };
    g_strlcpy(out->identity, p->identity, sizeof(out->identity));
    g_strlcpy(out->ike, p->agreed, sizeof(out->ike));
    g_strlcpy(out->esp, c ? esp_suite_name(&c->sa.suite) : "", sizeof(out->esp));
}
