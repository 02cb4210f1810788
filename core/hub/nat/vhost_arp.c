/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_arp.c - ARP of the virtual host (RFC 826, 5227). */

#include "core/hub/nat/vhost_priv.h"

static void
send_arp(struct vhost *v, const struct mac *to, const struct arp *arp)
{
    struct frame *f = frame_new(worker_pool(v->worker), ETH_FRAME_MIN);
    uint8_t *at = f ? frame_put(f, ETH_FRAME_MIN) : NULL;
    if (!at) {
        frame_free(f);
        vhost_count_drop(v, DROP_NO_BUFFER);
        return;
    }
    struct writer w = writer_of(at, ETH_FRAME_MIN);
    eth_write(&w, to, &v->config.mac, ETH_TYPE_ARP);
    arp_write(&w, arp);
    writer_zero(&w, ETH_FRAME_MIN - w.len);
    vhost_send(v, f);
}

static void
answer(struct vhost *v, const struct arp *question)
{
    const struct arp arp = {
        .op = ARP_REPLY,
        .sender_mac = v->config.mac,
        .sender = v->config.ip4,
        .target_mac = question->sender_mac,
        .target = question->sender,
    };
    send_arp(v, &question->sender_mac, &arp);
}

void
vhost_arp_received(struct vhost *v, const struct frame *f, int64_t now_us)
{
    struct reader r = reader_of(f->data, f->len);
    struct arp arp;
    (void)reader_take(&r, ETH_HEADER);
    if (arp_parse(r, &arp) != DROP_NONE || eth_is_group(arp.sender_mac.b))
        return;
    if (arp.sender == v->config.ip4) { /* somebody else with our address: we were here first */
        vhost_arp_announce(v);
        return;
    }
    if (arp.sender != 0) {
        struct ip ip = ip_from_v4(arp.sender);
        if (ip_prefix_has(&v->net4, &ip))
            (void)nat_client_seen(v, &ip, &arp.sender_mac, now_us);
        vhost_dhcp_seen(v, arp.sender, now_us);
    }
    if (arp.op == ARP_REQUEST && arp.target == v->config.ip4)
        answer(v, &arp);
}

void
vhost_arp_ask(struct vhost *v, uint32_t address, bool probe)
{
    static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    const struct arp arp = {
        .op = ARP_REQUEST,
        .sender_mac = v->config.mac,
        .sender = probe ? 0 : v->config.ip4,
        .target = address,
    };
    send_arp(v, &all, &arp);
}

void
vhost_arp_announce(struct vhost *v)
{
    vhost_arp_ask(v, v->config.ip4, false);
}
