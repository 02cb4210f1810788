/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - pairs of ESP SAs of a peer: packets in, and which one packets go out by.
 *
 * A new pair is there for packets of the peer at once, and sends when the peer is known to have it:
 * by the last message of its quick mode, or by its first packet. Old ones go on receiving until the
 * peer deletes them or their time is over.
 */

#include "core/base/secret.h"
#include "core/net/wire.h"
#include "core/proto/ipsec/peer.h"

#include <string.h>

enum { LOG_BURST = 5, LOG_TEXT = 80 };

struct ipsec_child *
ipsec_child_find(struct ipsec_home *h, uint32_t spi_in)
{
    if (h->last_child && h->last_child->sa.spi_in == spi_in)
        return h->last_child;
    h->last_child = g_hash_table_lookup(h->children, GUINT_TO_POINTER(spi_in));
    return h->last_child;
}

/* ---- life ---- */

static void
log_child(struct ipsec_peer *p, const struct esp_child *sa, const char *refused, int64_t now_us)
{
    char at[ENDPOINT_TEXT];
    char id[LOG_TEXT];
    unsigned left_out = 0;

    (void)endpoint_print(&p->remote, at);
    (void)log_text(id, sizeof(id), p->identity, strlen(p->identity));
    if (refused) {
        if (log_limit_pass(&p->home->log_child, LOG_BURST, now_us, &left_out))
            log_warning("IPsec child refused", "peer=%s identity=%s reason=\"%s\" left_out=%u", at,
                        id, refused, left_out);
    } else {
        log_event(p->n_children > 1 ? LOG_DEBUG : LOG_INFO, "IPsec child",
                  "peer=%s identity=%s algorithms=%s mode=%s by=%s spi_in=%08x spi_out=%08x", at,
                  id, esp_suite_name(&sa->suite), sa->tunnel ? "tunnel" : "transport",
                  sa->udp ? "UDP" : "ESP", sa->spi_in, sa->spi_out);
    }
}

static const char *
why_not(const struct ipsec_peer *p, const struct esp_child *sa)
{
    if (!sa->udp && !ipsec_home_has_raw(p->home))
        return "it knows no NAT traversal, and bare ESP cannot be received here without the right "
               "for it (cap_net_raw)";
    return ipsec_path_refuses(p, sa);
}

bool
ipsec_child_up(struct ipsec_peer *p, const struct esp_child *sa, int64_t now_us)
{
    struct ipsec_home *h = p->home;
    const char *refused = why_not(p, sa);

    if (refused) {
        log_child(p, sa, refused, now_us);
        return false;
    }
    struct esp_in *in = esp_in_new(&sa->suite, sa->spi_in, sa->keymat_in);
    struct esp_out *out = esp_out_new(&sa->suite, sa->spi_out, sa->keymat_out);
    if (!in || !out || g_hash_table_contains(h->children, GUINT_TO_POINTER(sa->spi_in))) {
        esp_in_free(in);
        esp_out_free(out);
        return false;
    }
    struct ipsec_child *c = g_new0(struct ipsec_child, 1);
    c->peer = p;
    c->sa = *sa;
    secret_wipe(c->sa.keymat_in, sizeof(c->sa.keymat_in));
    secret_wipe(c->sa.keymat_out, sizeof(c->sa.keymat_out));
    c->in = in;
    c->out = out;
    c->born_us = now_us;
    c->next = p->children;
    p->children = c;
    p->n_children++;
    atomic_fetch_add_explicit(&h->server->counts.children, 1, memory_order_relaxed);
    g_hash_table_insert(h->children, GUINT_TO_POINTER(sa->spi_in), c);
    if (h->last_child && h->last_child->sa.spi_in == sa->spi_in)
        h->last_child = NULL;
    log_child(p, sa, NULL, now_us);
    return true;
}

void
ipsec_child_free(struct ipsec_child *c)
{
    struct ipsec_peer *p = c->peer;
    struct ipsec_home *h = p->home;

    for (struct ipsec_child **at = &p->children; *at; at = &(*at)->next) {
        if (*at != c)
            continue;
        *at = c->next;
        p->n_children--;
        break;
    }
    atomic_fetch_sub_explicit(&h->server->counts.children, 1, memory_order_relaxed);
    g_hash_table_remove(h->children, GUINT_TO_POINTER(c->sa.spi_in));
    if (h->last_child == c)
        h->last_child = NULL;
    esp_in_free(c->in);
    esp_out_free(c->out);
    g_free(c);
}

void
ipsec_child_confirm(struct ipsec_child *c, int64_t now_us)
{
    if (c->confirmed)
        return;
    c->confirmed = true;
    ipsec_path_changed(c->peer, now_us);
    ipsec_path_announce(c, now_us);
}

struct ipsec_child *
ipsec_child_to_send(const struct ipsec_peer *p)
{
    struct ipsec_child *c = p->children;

    while (c && !c->confirmed)
        c = c->next;
    return c;
}

void
ipsec_child_check_wear(struct ipsec_child *c)
{
    uint64_t most = c->sa.life_kib > 0 && c->sa.life_kib < UINT64_MAX / 1024
                        ? c->sa.life_kib * 1024 / 10 * 9
                        : UINT64_MAX;

    if (c->wear != IPSEC_WEAR_NONE || ipsec_child_to_send(c->peer) != c ||
        (MAX(c->bytes_in, c->bytes_out) < most &&
         (c->sa.suite.esn || esp_out_packets(c->out) < ESP_REKEY_AT)))
        return;
    c->wear = IPSEC_WEAR_SEEN;
    ipsec_home_chore(c->peer->home, c->peer);
}

/* ---- in ---- */

void
ipsec_child_datagram(struct ipsec_home *h, const struct udp_source *from, uint8_t *bytes,
                     size_t len, int64_t now_us)
{
    struct ipsec_child *c = ipsec_child_find(h, wire_get32(bytes));
    struct esp_opened o;

    if (!c || c->sa.udp != (from->port != 0) || esp_in_open(c->in, bytes, len, &o) != DROP_NONE)
        return;
    struct ipsec_peer *p = c->peer;
    p->heard_us = now_us;
    c->bytes_in += len;
    /* A late packet from where the peer was does not bring it back. */
    if (o.newest && !ipsec_peer_is_at(p, from))
        ipsec_peer_move(p, from, now_us);
    if (!c->confirmed) {
        ipsec_child_confirm(c, now_us);
        if (c->peer != p || p->ended)
            return;
    }
    esp_out_follow(c->out, c->in);
    ipsec_child_check_wear(c);
    if (o.next_header != ESP_DUMMY && o.len > 0)
        ipsec_path_receive(c, reader_of(o.data, o.len), o.next_header, now_us);
}
