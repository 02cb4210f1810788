/* SPDX-License-Identifier: Apache-2.0 */
/* peer_session.c - a client at the hub: a tun client by an l3port, which has its addresses, a tap
 * client by a session of its own, whose frames are the client's. */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/peer.h"

#include <string.h>

enum { ETHERNET = 14, TAP_FRAME = 1514, SUPER_MAX = 65535 };

/* ---- what the hub says ---- */

static void
on_stop(struct ovpn_peer *p, int reason)
{
    ovpn_peer_dismiss(p, "RESTART", reason, worker_now_us(p->home->worker));
}

static void
on_send(void *owner, struct batch *b, int64_t now_us)
{
    ovpn_data_send(owner, b, now_us);
}

static bool
same_addresses(const struct l3port_address *a, const struct l3port_address *b)
{
    return a->has4 == b->has4 && a->has6 == b->has6 &&
           (!a->has4 || (a->ip4 == b->ip4 && a->len4 == b->len4)) &&
           (!a->has6 || memcmp(a->ip6, b->ip6, sizeof(a->ip6)) == 0);
}

static void
on_configured(void *owner, const struct l3port_address *a, int64_t now_us)
{
    struct ovpn_peer *p = owner;

    if (!ovpn_peer_is_alive(p))
        return;
    if (p->state == OVPN_PEER_UP) {
        /* A client cannot be told later: it comes again. IPv6 alone is no reason to go. */
        if (p->told->has4 ? !a->has4 || a->ip4 != p->told->ip4 : !same_addresses(a, p->told)) {
            log_info("OpenVPN client's address has changed", "session=%s", p->session->name);
            ovpn_peer_dismiss(p, "RESTART", PE_DISCONNECTED, now_us);
        }
        return;
    }
    if (!a->has4 && !a->has6) {
        log_warning("no address for an OpenVPN client", "user=%s hub=%s", p->user, p->hub);
        return; /* the port goes on trying, and the client goes on asking for a while */
    }
    g_free(p->told);
    p->told = g_memdup2(a, sizeof(*a));
    if (p->state != OVPN_PEER_WAITING)
        return; /* from inside l3port_new() */
    ovpn_peer_try_push(p, now_us);
    ovpn_peer_flush(p, now_us);
}

static void
on_l3_stop(void *owner, int reason)
{
    on_stop(owner, reason);
}

static const struct l3port_ops l3_ops = {
    .send = on_send, .configured = on_configured, .stop = on_l3_stop};

static void
tap_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    const struct session *s = hub_port_owner(port);

    ovpn_data_send(s->owner, b, now_us);
}

static void
tap_stop(struct session *s, int reason)
{
    on_stop(s->owner, reason);
}

static const struct session_ops tap_ops = {.port = {.deliver = tap_deliver}, .stop = tap_stop};

/* ---- life ---- */

static bool
begin_tun(struct ovpn_peer *p, struct hub *hub, const struct session_config *session,
          const struct auth_verdict *verdict, int64_t now_us, GError **error)
{
    struct l3port_config config = {
        .session = session,
        .device = p->says.hwaddr[0] ? p->says.hwaddr : NULL,
        .fixed = verdict->address,
        .v4 = true,
        .v6 = L3PORT_V6_TOLD,
        .mtu = ovpn_push_mtu(&p->says, p->rules->settings),
        .max_super = SUPER_MAX,
    };

    p->l3 = l3port_new(hub, &config, &l3_ops, p, now_us, error);
    p->session = p->l3 ? l3port_session(p->l3) : NULL;
    return p->l3 != NULL;
}

int
ovpn_session_begin(struct ovpn_peer *p, const struct auth_verdict *verdict, int64_t now_us)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *client = g_strdup_printf("OpenVPN %s", p->says.version);
    char text[ENDPOINT_TEXT];
    struct session_config config = {
        .user = verdict->user,
        .group = verdict->group[0] ? verdict->group : NULL,
        .record = verdict->record[0] ? verdict->record : NULL,
        .account = verdict->account,
        .protocol = "OpenVPN",
        .tag = p->says.tap ? "OPENVPN_L2" : "OPENVPN_L3",
        .peer = p->address.remote,
        .local = p->local,
        .client_name = client,
        .client_host = "",
        .client_os = p->says.platform,
        .cipher = ovpn_cipher_name(p->cipher),
        .policy = verdict->policy,
        .max_frame = TAP_FRAME,
        .max_connections = 1,
    };
    struct hub *hub = hubs_find(p->server->config.hubs, p->hub);

    if (!hub) /* deleted since the verdict */
        return PE_AUTH_FAILED;
    memcpy(config.unique_id, p->client_sid, sizeof(p->client_sid));
    config.policy.MonitorPort = 0;
    if (p->says.tap)
        p->session = session_start(hub, &config, &tap_ops, p, &error);
    else
        (void)begin_tun(p, hub, &config, verdict, now_us, &error);
    hub_unref(hub);
    if (!p->session) {
        log_warning("OpenVPN client refused", "peer=%s user=%s reason=%s",
                    endpoint_print(&p->address.remote, text), verdict->user,
                    error ? error->message : "");
        return error ? error->code : PE_INTERNAL;
    }
    atomic_store_explicit(&p->session->connections, 1, memory_order_relaxed);
    return PE_OK;
}

void
ovpn_session_end(struct ovpn_peer *p, int64_t now_us)
{
    struct session *s = g_steal_pointer(&p->session);

    if (!s)
        return;
    if (p->l3)
        l3port_end(g_steal_pointer(&p->l3), p->reason, now_us);
    else
        session_end(s, p->reason);
}
