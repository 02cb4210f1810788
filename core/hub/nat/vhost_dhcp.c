/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_dhcp.c - the DHCP servers of a virtual host: their messages in frames, their time, and the
 * leases that control is told of, at most every VHOST_LEASES_EVERY_US.
 */

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/hub/nat/vhost_priv.h"
#include "core/net/dhcp4.h"
#include "core/net/dhcp6.h"

/* ---- time ---- */

static void
arm(struct vhost *v)
{
    int64_t at_us = v->dhcp4 ? dhcp4_server_deadline(v->dhcp4) : 0;
    int64_t at6_us = v->dhcp6 ? dhcp6_server_deadline(v->dhcp6) : 0;
    if (at_us == 0 || (at6_us > 0 && at6_us < at_us))
        at_us = at6_us;
    if (at_us > 0)
        timer_arm(worker_timers(v->worker), &v->dhcp_timer, at_us);
    else
        timer_cancel(worker_timers(v->worker), &v->dhcp_timer);
}

static void
on_dhcp_timer(struct timer *t, int64_t now_us)
{
    struct vhost *v = container_of(t, struct vhost, dhcp_timer);
    if (v->dhcp4)
        dhcp4_server_tick(v->dhcp4, now_us, clock_wall_ms());
    if (v->dhcp6)
        dhcp6_server_tick(v->dhcp6, now_us, clock_wall_ms());
    arm(v);
}

/* ---- leases, to control ---- */

void
vhost_tell_leases(struct vhost *v)
{
    g_mutex_lock(&v->lease_lock);
    g_autoptr(GArray) list = g_steal_pointer(&v->changed);
    g_mutex_unlock(&v->lease_lock);
    if (list && v->ops.leases_changed)
        v->ops.leases_changed(v->owner, (const struct dhcp_lease *)(void *)list->data, list->len);
}

static gboolean
on_idle(gpointer data)
{
    struct vhost *v = data;
    if (!v->closed)
        vhost_tell_leases(v);
    vhost_unref(v);
    return G_SOURCE_REMOVE;
}

static void
on_lease_timer(struct timer *t, int64_t now_us)
{
    struct vhost *v = container_of(t, struct vhost, lease_timer);
    (void)now_us;
    (void)g_idle_add_full(G_PRIORITY_DEFAULT, on_idle, vhost_ref(v), NULL);
}

static void
on_lease(void *owner, const struct dhcp_lease *lease)
{
    struct vhost *v = owner;
    g_mutex_lock(&v->lease_lock); /* control takes the list away */
    if (!v->changed)
        v->changed = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));
    g_array_append_val(v->changed, *lease);
    g_mutex_unlock(&v->lease_lock);
    if (!timer_is_armed(&v->lease_timer))
        timer_arm(worker_timers(v->worker), &v->lease_timer,
                  worker_now_us(v->worker) + VHOST_LEASES_EVERY_US);
}

/* ---- DHCPv4 ---- */

static void
on_send4(void *owner, struct reader payload, uint32_t dst, const struct mac *mac)
{
    struct vhost *v = owner;
    struct ip to = ip_from_v4(dst);
    const struct vhost_route route = {
        .mac = mac, .src = &v->ip4, .dst = &to, .proto = IP_PROTO_UDP};
    vhost_send_udp(v, &route, DHCP4_SERVER_PORT, DHCP4_CLIENT_PORT, payload);
}

static void
on_probe(void *owner, uint32_t address)
{
    struct vhost *v = owner;
    v->probe[v->n_probes++ % VHOST_PROBES_MAX] = address;
    vhost_arp_ask(v, address, true);
}

static const struct dhcp4_server_ops dhcp4_ops = {
    .send = on_send4, .probe = on_probe, .lease = on_lease};

void
vhost_dhcp4_received(struct vhost *v, struct reader message, const struct mac *from, int64_t now_us)
{
    if (!v->dhcp4)
        return;
    dhcp4_server_received(v->dhcp4, message, from, now_us, clock_wall_ms());
    arm(v);
}

void
vhost_dhcp_seen(struct vhost *v, uint32_t address, int64_t now_us)
{
    if (!v->dhcp4)
        return;
    for (unsigned i = 0; i < VHOST_PROBES_MAX; i++) {
        if (v->probe[i] != address)
            continue;
        v->probe[i] = 0;
        dhcp4_server_conflict(v->dhcp4, address, now_us);
        arm(v);
    }
}

/* ---- DHCPv6 ---- */

static void
on_send6(void *owner, struct reader payload, const uint8_t dst[16], const struct mac *mac)
{
    struct vhost *v = owner;
    struct ip to = vhost_ip(6, dst);
    const struct vhost_route route = {
        .mac = mac, .src = &v->link_local, .dst = &to, .proto = IP_PROTO_UDP};
    vhost_send_udp(v, &route, DHCP6_SERVER_PORT, DHCP6_CLIENT_PORT, payload);
}

static void
on_random(void *owner, void *out, size_t len)
{
    (void)owner;
    random_bytes(out, len);
}

static const struct dhcp6_server_ops dhcp6_ops = {
    .send = on_send6, .lease = on_lease, .random = on_random};

void
vhost_dhcp6_received(struct vhost *v, struct reader message, const uint8_t src[16],
                     const struct mac *from, int64_t now_us)
{
    if (!v->dhcp6)
        return;
    dhcp6_server_received(v->dhcp6, message, src, from, now_us, clock_wall_ms());
    arm(v);
}

/* ---- life ---- */

static struct dhcp4_server_config
config4(const struct vhost *v)
{
    struct dhcp4_server_config c = v->config.dhcp4;
    c.server = v->config.ip4;
    c.mtu = v->config.mtu;
    return c;
}

static void
configured6(struct vhost *v)
{
    struct dhcp6_server_config c = v->config.dhcp6;
    c.mac = v->config.mac;
    c.mtu = v->config.mtu;
    if (v->config.use_ip6 && v->dhcp6)
        dhcp6_server_set_config(v->dhcp6, &c);
    else if (v->config.use_ip6)
        v->dhcp6 = dhcp6_server_new(&c, &dhcp6_ops, v);
    else
        g_clear_pointer(&v->dhcp6, dhcp6_server_free);
}

void
vhost_dhcp_configured(struct vhost *v)
{
    const struct dhcp4_server_config c4 = config4(v);
    configured6(v);
    if (v->config.use_dhcp && v->dhcp4)
        dhcp4_server_set_config(v->dhcp4, &c4);
    else if (v->config.use_dhcp)
        v->dhcp4 = dhcp4_server_new(&c4, &dhcp4_ops, v);
    else
        g_clear_pointer(&v->dhcp4, dhcp4_server_free);
    arm(v);
}

void
vhost_dhcp_restore(struct vhost *v, const struct dhcp_lease *lease, unsigned n)
{
    int64_t now_us = worker_now_us(v->worker);
    int64_t wall_ms = clock_wall_ms();
    for (unsigned i = 0; i < n; i++)
        if (lease[i].ip.family == 4 && v->dhcp4)
            dhcp4_server_restore(v->dhcp4, &lease[i], now_us, wall_ms);
        else if (lease[i].ip.family == 6 && v->dhcp6)
            dhcp6_server_restore(v->dhcp6, &lease[i], now_us, wall_ms);
    arm(v);
}

void
vhost_dhcp_start(struct vhost *v)
{
    timer_init(&v->dhcp_timer, on_dhcp_timer);
    timer_init(&v->lease_timer, on_lease_timer);
    vhost_dhcp_configured(v);
}

void
vhost_dhcp_stop(struct vhost *v)
{
    timer_cancel(worker_timers(v->worker), &v->dhcp_timer);
    timer_cancel(worker_timers(v->worker), &v->lease_timer); /* vhost_free() tells the rest */
    g_clear_pointer(&v->dhcp4, dhcp4_server_free);
    g_clear_pointer(&v->dhcp6, dhcp6_server_free);
}

unsigned
vhost_dhcp_n(const struct vhost *v)
{
    return (v->dhcp4 ? dhcp4_server_n(v->dhcp4) : 0) + (v->dhcp6 ? dhcp6_server_n(v->dhcp6) : 0);
}

void
vhost_dhcp_list(const struct vhost *v, GArray *out)
{
    if (v->dhcp4)
        dhcp4_server_list(v->dhcp4, out);
    if (v->dhcp6)
        dhcp6_server_list(v->dhcp6, out);
}
