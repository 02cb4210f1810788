/* SPDX-License-Identifier: Apache-2.0 */
/* nat.c - is there a NAT between us (RFC 3947, 3). Both sides send hashes of the addresses that
 * they see, the other's first. */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

enum { PAYLOADS = 8 }; /* of NAT-D looked at: a host with many addresses sends one for each */

static bool
is_hash_of(const struct ike1 *k, const struct isakmp_payload *p, const struct endpoint *e)
{
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t hash[IKE1_HASH_MAX];

    return p->body.left == size && ike1_nat_hash(k->suite.hash, k->cookies, e, hash) &&
           memcmp(p->body.at, hash, size) == 0;
}

void
ike1_read_nat(struct ike1 *k, const struct ike1_in *in)
{
    if (!k->natt)
        return;
    const struct isakmp_payload *ours = isakmp_find(&in->all, k->nat_type, 0);
    const struct isakmp_payload *its = isakmp_find(&in->all, k->nat_type, 1);
    if (!ours || !its) {
        k->natt = false; /* it knows of NAT traversal, but does not want it */
        return;
    }
    k->we_behind = !is_hash_of(k, ours, &in->local);
    k->peer_behind = true;
    for (unsigned n = 1; its && n < PAYLOADS; n++) {
        if (is_hash_of(k, its, &in->remote))
            k->peer_behind = false;
        its = isakmp_find(&in->all, k->nat_type, n + 1);
    }
    k->udp = k->we_behind || k->peer_behind || k->c.force_udp;
}

void
ike1_write_nat(struct ike1 *k, struct ike1_out *o)
{
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t its[IKE1_HASH_MAX] = {0};
    uint8_t ours[IKE1_HASH_MAX] = {0};

    if (!k->natt)
        return;
    bool ok = ike1_nat_hash(k->suite.hash, k->cookies, &k->c.remote, its);
    if (k->c.force_udp) /* one that is of no address: the peer finds us behind a NAT */
        k->ops->random(k->owner, ours, size);
    else
        ok = ok && ike1_nat_hash(k->suite.hash, k->cookies, &k->c.local, ours);
    if (!ok)
        return;
    isakmp_payload_add(&o->m, k->nat_type, its, size);
    isakmp_payload_add(&o->m, k->nat_type, ours, size);
}
