/* SPDX-License-Identifier: Apache-2.0 */
/* bridge_link.c - see bridge_link.h. */

#include "core/hub/bridge_link.h"

#include <errno.h>

/* ---- a network card ---- */

static int
card_receive(void *handle, struct pf_slice *buf, struct pf_offload *off, unsigned n)
{
    return pf_etherlink_recv(handle, buf, off, n);
}

static int
card_send(void *handle, const struct pf_packet *p, unsigned n, unsigned *refused)
{
    return pf_etherlink_send(handle, p, n, refused);
}

static unsigned
card_mtu(const void *handle)
{
    return pf_etherlink_mtu(handle);
}

static void
card_close(void *handle)
{
    pf_etherlink_close(handle);
}

static const struct bridge_link_ops card_ops = {card_receive, card_send, card_mtu, card_close};

/* ---- a virtual adapter: one frame a call ---- */

static int
tap_receive(void *handle, struct pf_slice *buf, struct pf_offload *off, unsigned n)
{
    unsigned got = 0;
    while (got < n) {
        long len = pf_vnic_recv(handle, &buf[got], 1, &off[got]);
        if (len == -1)
            break;
        if (len < 0)
            return got > 0 ? (int)got : -2; /* the next call says it again */
        buf[got++].len = (size_t)len;
    }
    return (int)got;
}

static int
tap_send(void *handle, const struct pf_packet *p, unsigned n, unsigned *refused)
{
    unsigned taken = 0;
    while (taken < n) {
        if (!pf_vnic_send(handle, p[taken].iov, p[taken].n_iov, &p[taken].off)) {
            if (errno == EAGAIN || errno == ENOBUFS)
                break;
            ++*refused; /* switched off, or not to its taste; if it is gone, reading will tell */
        }
        taken++;
    }
    return (int)taken;
}

static unsigned
tap_mtu(const void *handle)
{
    return pf_vnic_mtu(handle);
}

static void
tap_close(void *handle)
{
    pf_vnic_close(handle);
}

static const struct bridge_link_ops tap_ops = {tap_receive, tap_send, tap_mtu, tap_close};

/* ---- both ---- */

static bool
open_card(struct bridge_link *out, const char *device, GError **error)
{
    struct pf_etherlink *card = pf_etherlink_open(device, error);
    if (!card)
        return false;
    *out = (struct bridge_link){
        .ops = &card_ops,
        .handle = card,
        .fd = pf_etherlink_fd(card),
        .offload = pf_etherlink_has_offload(card),
    };
    return true;
}

static bool
open_tap(struct bridge_link *out, const char *device, GError **error)
{
    struct pf_vnic *tap = pf_vnic_open(device, NULL, false, error);
    if (!tap)
        return false;
    if (!pf_net_link_up(pf_vnic_name(tap), true, error)) {
        pf_vnic_close(tap);
        return false;
    }
    *out = (struct bridge_link){
        .ops = &tap_ops,
        .handle = tap,
        .fd = pf_vnic_fd(tap),
        .offload = pf_vnic_has_offload(tap),
    };
    return true;
}

bool
bridge_link_open(struct bridge_link *out, const char *device, bool tap, GError **error)
{
    return tap ? open_tap(out, device, error) : open_card(out, device, error);
}

void
bridge_link_close(struct bridge_link *link)
{
    if (link->handle)
        link->ops->close(link->handle);
    *link = (struct bridge_link){.fd = -1};
}
