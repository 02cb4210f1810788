/* SPDX-License-Identifier: Apache-2.0 */
/* ports.c - opens what IPsec listens on, and says what helps when that does not work. */

#include "core/net/ip.h"
#include "core/proto/ipsec/home.h"

#include <errno.h>
#include <string.h>

enum { AT_COOKIE = 8, FIRST_FREE_PORT = 1024 };

struct adding {
    struct ipsec_home *home;
    struct ipsec_ports ports;
};

static void
add_ports(void *data)
{
    const struct adding *a = data;

    ipsec_home_add_ports(a->home, &a->ports);
}

static char *
own_path(void)
{
    char *path = g_file_read_link("/proc/self/exe", NULL);

    return path ? path : g_strdup("FILE");
}

static void
explain(struct ipsec_server *s, uint16_t port, int err, const char *message)
{
    g_autofree char *path = own_path();
    g_autofree char *was = g_strdup(s->problem);

    if (err == EADDRINUSE)
        (void)g_snprintf(s->problem, sizeof(s->problem),
                         "UDP port %u is in use: another IKE daemon (strongSwan, Libreswan, "
                         "racoon) runs here; stop it (ss -lunp sport = :%u says which)",
                         port, port);
    else if (err == EACCES || err == EPERM)
        (void)g_snprintf(s->problem, sizeof(s->problem),
                         "UDP port %u may not be opened (%s): setcap "
                         "cap_net_bind_service,cap_net_raw+ep %s, or sysctl "
                         "net.ipv4.ip_unprivileged_port_start=%u",
                         port, g_strerror(err), path, port);
    else
        (void)g_snprintf(s->problem, sizeof(s->problem), "%s", message);
    if (strcmp(was, s->problem) != 0)
        log_warning("IPsec cannot listen", "port=%u/udp problem=\"%s\"", port, s->problem);
}

static bool
open_udp(struct ipsec_server *s, uint16_t port, void *const *owner, struct udp_port **out)
{
    g_autoptr(GError) error = NULL;

    errno = 0;
    if (udp_port_open_all(s->config.workers, port, &ipsec_port_ops, owner, out, &error))
        return true;
    explain(s, port, errno, error->message);
    return false;
}

/* Best where the system can; else what arrives elsewhere goes over the tubes. */
static void
steer(const struct ipsec_server *s, struct udp_port *ike, struct udp_port *nat)
{
    if (s->n_homes == 1)
        return;
    (void)pf_udp_steer(ike->udp, AT_COOKIE, AT_COOKIE);
    (void)pf_udp_steer(nat->udp, 0, IPSEC_MARKER + AT_COOKIE);
}

static void
close_all(struct udp_port **p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        udp_port_close(p[i]);
}

/* Bare ESP, IPv4 at least. */
static void
open_raw(struct ipsec_server *s, void *const *owner)
{
    struct udp_port *p4[WORKER_MAX];
    struct udp_port *p6[WORKER_MAX] = {0};

    if (!udp_port_open_raw_all(s->config.workers, 4, IP_PROTO_ESP, &ipsec_port_ops, owner, p4))
        return;
    if (!udp_port_open_raw_all(s->config.workers, 6, IP_PROTO_ESP, &ipsec_port_ops, owner, p6))
        memset(p6, 0, sizeof(p6));
    for (unsigned i = 0; i < s->n_homes; i++) {
        struct adding a = {.home = s->home[i], .ports = {.raw4 = p4[i], .raw6 = p6[i]}};
        worker_call_sync(s->home[i]->worker, add_ports, &a);
    }
    s->raw = true;
}

void
ipsec_ports_open(struct ipsec_server *s)
{
    struct udp_port *ike[WORKER_MAX];
    struct udp_port *nat[WORKER_MAX];
    void *owner[WORKER_MAX];

    for (unsigned i = 0; i < s->n_homes; i++)
        owner[i] = s->home[i];
    if (s->rules->settings->raw && !s->raw)
        open_raw(s, owner);
    if (s->open || !open_udp(s, s->config.ike_port, owner, ike))
        return;
    if (!open_udp(s, s->config.nat_port, owner, nat)) {
        close_all(ike, s->n_homes);
        return;
    }
    steer(s, ike[0], nat[0]);
    for (unsigned i = 0; i < s->n_homes; i++) {
        struct adding a = {.home = s->home[i], .ports = {.ike = ike[i], .nat = nat[i]}};
        worker_call_sync(s->home[i]->worker, add_ports, &a);
    }
    s->open = true;
    s->problem[0] = '\0';
    log_info("listening", "port=%u/udp,%u/udp protocol=IPsec bare_esp=%s", s->config.ike_port,
             s->config.nat_port, s->raw ? "yes" : "no");
}

static void
close_ports(void *data)
{
    ipsec_home_end_all(data);
    ipsec_home_close_ports(data);
}

void
ipsec_ports_close(struct ipsec_server *s)
{
    for (unsigned i = 0; i < s->n_homes; i++)
        worker_call_sync(s->home[i]->worker, close_ports, s->home[i]);
    s->open = s->raw = false;
    s->problem[0] = '\0';
}
