/* SPDX-License-Identifier: Apache-2.0 */
/* l3_inform.c - the client's own DHCP: systems with point-to-point adapters ask by DHCPINFORM for
 * name servers and routes (RFC 2131, 3.4). The port knows them and answers itself; all else of DHCP
 * is the port's business and not the client's, and ends here.
 */

#include "core/hub/l3/l3_priv.h"
#include "core/net/checksum.h"
#include "core/net/udp.h"

#include <string.h>

enum { OPT_ROUTES_MS = 249, OPTION_PART_MAX = 255 }; /* 249: 121 under its older number */

/* Option 121 and, since some ask for that, once more as 249. */
static void
write_routes(struct writer *w, const struct l3port_address *a)
{
    uint8_t bytes[L3PORT_ROUTES_MAX * 11];
    struct writer once = writer_of(bytes, sizeof(bytes));

    if (a->n_route4 == 0)
        return;
    dhcp4_write_routes(&once, a->route4, a->n_route4);
    struct reader in = reader_of(bytes, once.len);
    writer_bytes(w, bytes, once.len);
    while (in.left > 0) { /* in parts, each with its own code */
        (void)reader_u8(&in);
        uint8_t len = reader_u8(&in);
        const uint8_t *part = reader_take(&in, len);
        if (!part)
            return;
        dhcp4_write_option(w, OPT_ROUTES_MS, part, len);
    }
}

static void
write_answer(struct writer *w, const struct l3port *p, const struct dhcp4_message *asked,
             uint32_t server)
{
    const struct l3port_address *a = &p->a;
    struct dhcp4_message m = {.reply = true,
                              .type = DHCP4_ACK,
                              .xid = asked->xid,
                              .ciaddr = asked->ciaddr,
                              .chaddr = asked->chaddr};

    dhcp4_write_header(w, &m);
    dhcp4_write_option_u32(w, DHCP4_OPT_SERVER, server);
    dhcp4_write_option_u32(w, DHCP4_OPT_MASK, p->v4.mask);
    uint8_t dns[L3PORT_DNS_MAX * 4];
    size_t n = 0;
    for (unsigned i = 0; i < a->n_dns; i++) {
        if (a->dns[i].family != 4)
            continue;
        memcpy(dns + n, a->dns[i].b, 4);
        n += 4;
    }
    if (n > 0)
        dhcp4_write_option(w, DHCP4_OPT_DNS, dns, n);
    if (a->domain[0])
        dhcp4_write_option(w, DHCP4_OPT_DOMAIN, a->domain, strlen(a->domain));
    write_routes(w, a);
    dhcp4_write_end(w);
}

/* A datagram from a DHCP server to the client; IP, without Ethernet. */
static struct frame *
datagram(struct l3port *p, struct reader payload, uint32_t server)
{
    size_t udp_len = UDP_HEADER + payload.left;
    size_t total = IP4_HEADER + udp_len;
    struct ip4 ip = {.header_len = IP4_HEADER,
                     .ttl = IP4_TTL,
                     .proto = IP_PROTO_UDP,
                     .total_len = (uint16_t)total,
                     .src = server,
                     .dst = p->a.ip4};
    struct udp udp = {.sport = DHCP4_SERVER_PORT,
                      .dport = DHCP4_CLIENT_PORT,
                      .len = (uint16_t)udp_len,
                      .body = payload};
    struct frame *f = l3_frame(p, total);

    if (!f)
        return NULL;
    uint8_t *at = f->data;
    struct writer w = writer_of(at, total);
    ip4_write(&w, &ip);
    udp_write(&w, &udp,
              csum_pseudo4(at + IP4_AT_SRC, at + IP4_AT_DST, IP_PROTO_UDP, (uint16_t)udp_len));
    return f;
}

void
l3_inform(struct l3port *p, const struct frame *f)
{
    uint8_t bytes[DHCP4_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct dhcp4_message m;
    struct ip4 ip;
    struct udp udp;

    if (!p->a.has4 || ip4_parse(reader_of(f->data, f->len), &ip) != DROP_NONE ||
        ip4_is_fragment(&ip) || udp_parse(ip.body, &udp) != DROP_NONE ||
        dhcp4_parse(udp.body, &m) != DROP_NONE || m.reply || m.type != DHCP4_INFORM ||
        m.ciaddr != p->a.ip4)
        return;
    uint32_t server = p->v4.dhcp.lease.server;
    if (server == 0)
        server = p->a.gateway4 != 0 ? p->a.gateway4 : p->a.ip4;
    write_answer(&w, p, &m, server);
    if (!writer_ok(&w))
        return;
    struct frame *answer = datagram(p, reader_of(bytes, w.len), server);
    if (answer)
        l3_back(p, answer);
}
