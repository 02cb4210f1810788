/* SPDX-License-Identifier: Apache-2.0 */
/* nat_flow.c - the tables of clients and flows, their limits and their ages. */

#include "core/base/clock.h"
#include "core/hub/nat/vhost_priv.h"

enum { TOUCH_US = 1000 * 1000, SWEEP_US = 1000 * 1000, SWEEP_MOST = 4096 };

/* ---- clients ---- */

static void
client_unlink(struct vhost *v, struct nat_client *c)
{
    *(c->older ? &c->older->newer : &v->oldest_client) = c->newer;
    *(c->newer ? &c->newer->older : &v->newest_client) = c->older;
}

static void
client_link(struct vhost *v, struct nat_client *c)
{
    c->older = v->newest_client;
    c->newer = NULL;
    *(c->older ? &c->older->newer : &v->oldest_client) = c;
    v->newest_client = c;
}

static void
client_free(struct vhost *v, struct nat_client *c)
{
    client_unlink(v, c);
    nat_table_remove(&v->clients, &c->node);
    g_free(c);
}

/* The one that was silent longest and has no flow. */
static bool
forget_one_client(struct vhost *v)
{
    struct nat_client *c = v->oldest_client;
    while (c && c->n_flows > 0)
        c = c->newer;
    if (!c)
        return false;
    client_free(v, c);
    return true;
}

struct nat_client *
nat_client_seen(struct vhost *v, const struct ip *ip, const struct mac *mac, int64_t now_us)
{
    struct nat_key key = {.version = ip->family};
    memcpy(key.src, ip->b, sizeof(key.src));
    struct nat_node *node = nat_table_find(&v->clients, &key);
    if (!node) {
        if (v->clients.n >= NAT_CLIENTS_MAX && !forget_one_client(v))
            return NULL;
        struct nat_client *c = g_new0(struct nat_client, 1);
        c->node.key = key;
        c->ip = *ip;
        c->last_us = now_us;
        nat_table_add(&v->clients, &c->node);
        client_link(v, c);
        node = &c->node;
    }
    struct nat_client *c = container_of(node, struct nat_client, node);
    c->mac = *mac;
    if (now_us - c->last_us > TOUCH_US) {
        c->last_us = now_us;
        client_unlink(v, c);
        client_link(v, c);
    }
    return c;
}

void
nat_clients_forget_all(struct vhost *v)
{
    while (v->oldest_client)
        client_free(v, v->oldest_client);
}

void
nat_client_route(const struct nat_flow *f, const struct ip *src, const struct ip *dst,
                 struct vhost_route *out)
{
    *out = (struct vhost_route){
        .mac = &f->client->mac, .src = src, .dst = dst, .proto = f->node.key.proto};
}

/* ---- flows ---- */

void
nat_key_of(const struct flow *fl, struct nat_key *out)
{
    *out = (struct nat_key){
        .sport = fl->sport, .dport = fl->dport, .proto = fl->proto, .version = fl->version};
    memcpy(out->src, fl->src, sizeof(out->src));
    memcpy(out->dst, fl->dst, sizeof(out->dst));
}

struct nat_flow *
nat_flow_find(struct vhost *v, const struct nat_key *key)
{
    struct nat_node *node = nat_table_find(&v->flows, key);
    return node ? container_of(node, struct nat_flow, node) : NULL;
}

static void
flow_unlink(struct vhost *v, struct nat_flow *f)
{
    struct nat_flow_list *l = &v->kind[f->kind];
    *(f->older ? &f->older->newer : &l->oldest) = f->newer;
    *(f->newer ? &f->newer->older : &l->newest) = f->older;
    l->n--;
}

static void
flow_link(struct vhost *v, struct nat_flow *f)
{
    struct nat_flow_list *l = &v->kind[f->kind];
    f->older = l->newest;
    f->newer = NULL;
    *(f->older ? &f->older->newer : &l->oldest) = f;
    l->newest = f;
    l->n++;
}

bool
nat_flow_may(struct vhost *v, const struct nat_client *c, enum vhost_proto kind)
{
    static const unsigned most[] = {
        [VHOST_TCP] = NAT_CLIENT_TCP,
        [VHOST_UDP] = NAT_CLIENT_UDP,
        [VHOST_DNS] = NAT_CLIENT_DNS,
        [VHOST_ICMP] = NAT_CLIENT_PING,
    };
    if (c->n_kind[kind] >= most[kind])
        return false;
    if (v->flows.n < VHOST_FLOWS_MAX)
        return true;
    if (!v->kind[VHOST_UDP].oldest)
        return false;
    nat_flow_end(v, v->kind[VHOST_UDP].oldest, 0);
    return true;
}

static void
log_flow(struct vhost *v, const struct nat_flow *f, const char *event, int64_t now_us)
{
    static const char *const names[] = {"tcp", "udp", "dns", "icmp"};
    char src[ENDPOINT_TEXT];
    char dst[ENDPOINT_TEXT];
    unsigned left_out = 0;
    if (!v->config.save_log || !log_limit_pass(&v->log_limit, 50, now_us, &left_out))
        return;
    struct endpoint from = nat_flow_src(f);
    struct endpoint to = nat_flow_dst(f);
    log_info(event,
             "hub=%s protocol=%s from=%s to=%s sent=%" G_GUINT64_FORMAT
             " received=%" G_GUINT64_FORMAT " left_out=%u",
             hub_name(v->hub), names[f->kind], endpoint_print(&from, src), endpoint_print(&to, dst),
             f->sent, f->received, left_out);
}

void
nat_flow_add(struct vhost *v, struct nat_flow *f, enum vhost_proto kind, const struct nat_key *key,
             struct nat_client *client, int64_t now_us)
{
    f->node.key = *key;
    f->client = client;
    f->kind = kind;
    f->id = ++v->next_id;
    f->created_ms = clock_wall_ms();
    f->last_us = now_us;
    client->n_flows++;
    client->n_kind[kind]++;
    nat_table_add(&v->flows, &f->node);
    flow_link(v, f);
    if (kind != VHOST_TCP && !timer_is_armed(&v->sweep))
        timer_arm(worker_timers(v->worker), &v->sweep, now_us + SWEEP_US);
    if (kind != VHOST_DNS)
        log_flow(v, f, "NAT flow started", now_us);
}

void
nat_flow_remove(struct vhost *v, struct nat_flow *f)
{
    if (f->kind != VHOST_DNS)
        log_flow(v, f, "NAT flow ended", worker_now_us(v->worker));
    f->client->n_flows--;
    f->client->n_kind[f->kind]--;
    flow_unlink(v, f);
    nat_table_remove(&v->flows, &f->node);
}

void
nat_flow_used(struct vhost *v, struct nat_flow *f, int64_t now_us)
{
    if (now_us - f->last_us < TOUCH_US)
        return;
    f->last_us = now_us;
    flow_unlink(v, f);
    flow_link(v, f);
}

void
nat_flow_end(struct vhost *v, struct nat_flow *f, int64_t now_us)
{
    switch (f->kind) {
    case VHOST_TCP:
        nat_tcp_flow_end(v, f, now_us);
        break;
    case VHOST_UDP:
        nat_udp_flow_end(v, f);
        break;
    case VHOST_DNS:
        nat_dns_flow_end(v, f);
        break;
    case VHOST_ICMP:
        nat_ping_flow_end(v, f);
        break;
    }
}

void
nat_flows_end_all(struct vhost *v, int64_t now_us)
{
    for (unsigned kind = 0; kind < ARRAY_LEN(v->kind); kind++)
        while (v->kind[kind].oldest)
            nat_flow_end(v, v->kind[kind].oldest, now_us);
}

void
nat_flows_sweep(struct vhost *v, int64_t now_us)
{
    const int64_t most_us[] = {
        [VHOST_TCP] = INT64_MAX, /* have timers of their own */
        [VHOST_UDP] = (int64_t)v->config.udp_timeout_s * 1000000,
        [VHOST_DNS] = 5ll * 1000000,
        [VHOST_ICMP] = 10ll * 1000000,
    };
    unsigned left = 0;
    for (unsigned kind = 0; kind < ARRAY_LEN(v->kind); kind++) {
        struct nat_flow_list *l = &v->kind[kind];
        for (unsigned i = 0;
             i < SWEEP_MOST && l->oldest && now_us - l->oldest->last_us > most_us[kind]; i++)
            nat_flow_end(v, l->oldest, now_us);
        left += kind == VHOST_TCP ? 0 : l->n;
    }
    if (left > 0)
        timer_arm(worker_timers(v->worker), &v->sweep, now_us + SWEEP_US);
}

struct endpoint
nat_flow_src(const struct nat_flow *f)
{
    return (struct endpoint){.ip = vhost_ip(f->node.key.version, f->node.key.src),
                             .port = f->node.key.sport};
}

struct endpoint
nat_flow_dst(const struct nat_flow *f)
{
    return (struct endpoint){.ip = vhost_ip(f->node.key.version, f->node.key.dst),
                             .port = f->node.key.dport};
}
