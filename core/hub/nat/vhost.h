/* SPDX-License-Identifier: Apache-2.0 */
/* vhost.h - the virtual host of a hub ("SecureNAT"): a gateway with addresses of its own, a DHCP
 * server, router advertisements, a DNS forwarder, and NAT to the outside.
 *
 * It is a hub port like any other (HUB_PORT_NAT) on one worker. NAT goes by ordinary sockets and
 * needs no rights, or by the kernel of a host that forwards (nat_kernel.h). VHOST_NAT_KERNEL fails
 * with PE_NOT_SUPPORTED where that is not possible; VHOST_NAT_AUTO then goes by sockets.
 * All functions: control thread.
 */
#pragma once

#include "core/base/addr.h"
#include "core/hub/dhcp/lease.h"
#include "core/hub/hub.h"

#include <glib.h>

struct vhost;

enum {
    VHOST_FLOWS_MAX = 65536,
    VHOST_MTU_MIN = 576, /* with IPv6: 1280 */
    VHOST_MTU_MAX = 1500,
};

enum vhost_nat_mode { VHOST_NAT_AUTO, VHOST_NAT_USER, VHOST_NAT_KERNEL };

/* Addresses in host order. The API's SetSecureNATOption, and IPv6, which it does not know. */
struct vhost_config {
    struct mac mac;
    uint32_t ip4, mask4;
    unsigned mtu;
    bool use_nat;
    enum vhost_nat_mode nat_mode;
    unsigned tcp_timeout_s, udp_timeout_s;
    bool use_dhcp;
    struct dhcp4_server_config dhcp4; /* server and mtu are set from above */
    bool use_ip6;                     /* router advertisements, NDP, and NAT for IPv6 if use_nat */
    struct dhcp6_server_config dhcp6;
    bool save_log; /* flows to the log */
};

struct vhost_ops {
    /* Leases that are new or changed (expires_ms 0: gone), to be kept. Control thread; borrowed. */
    void (*leases_changed)(void *owner, const struct dhcp_lease *lease, unsigned n);
};

/* What is wrong with it, or NULL; for the administrator (transfer full). */
char *vhost_config_check(const struct vhost_config *config);

/* kept: leases of an earlier run. Everything is copied. */
struct vhost *
vhost_new(struct hub *hub, const struct vhost_config *config, const struct dhcp_lease *kept,
          unsigned n_kept, const struct vhost_ops *ops, void *owner, GError **error);
void vhost_free(struct vhost *v);
/* Flows end when addresses changed; leases that still fit stay. */
bool vhost_set_config(struct vhost *v, const struct vhost_config *config, GError **error);

struct vhost_status {
    unsigned tcp, udp, icmp, dns; /* flows */
    unsigned leases;
    bool kernel_mode;
    char why[160]; /* why this mode: "IP forwarding is off on this host" */
};
void vhost_get_status(struct vhost *v, struct vhost_status *out);

enum vhost_proto { VHOST_TCP, VHOST_UDP, VHOST_DNS, VHOST_ICMP }; /* as the API numbers them */
enum vhost_tcp_state {
    VHOST_TCP_CONNECTING,
    VHOST_TCP_RESETTING,
    VHOST_TCP_CONNECTED,
    VHOST_TCP_ESTABLISHED,
    VHOST_TCP_CLOSING
};
struct vhost_flow {
    uint32_t id;
    enum vhost_proto proto;
    struct endpoint src, dst;
    int64_t created_ms, last_ms;
    uint64_t sent, received; /* payload bytes, from and to the client */
    enum vhost_tcp_state tcp;
};
GArray *vhost_flows(struct vhost *v);  /* of struct vhost_flow; g_array_unref */
GArray *vhost_leases(struct vhost *v); /* of struct dhcp_lease in force, by address */
