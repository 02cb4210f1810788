/* SPDX-License-Identifier: Apache-2.0 */
/* arp.c - see arp.h. */

#include "core/net/arp.h"

#include "core/net/eth.h"

enum { HARDWARE_ETHERNET = 1, MAC_LEN = 6, IP4_LEN = 4 };

enum drop
arp_parse(struct reader in, struct arp *out)
{
    struct arp a = {0};

    uint16_t hardware = reader_u16(&in);
    uint16_t protocol = reader_u16(&in);
    uint8_t mac_len = reader_u8(&in);
    uint8_t ip_len = reader_u8(&in);
    a.op = reader_u16(&in);
    reader_copy(&in, a.sender_mac.b, MAC_LEN);
    a.sender = reader_u32(&in);
    reader_copy(&in, a.target_mac.b, MAC_LEN);
    a.target = reader_u32(&in);
    if (!reader_ok(&in))
        return DROP_SHORT;
    if (hardware != HARDWARE_ETHERNET || protocol != ETH_TYPE_IP4 || mac_len != MAC_LEN ||
        ip_len != IP4_LEN)
        return DROP_MALFORMED;

    *out = a;
    return DROP_NONE;
}

void
arp_write(struct writer *w, const struct arp *arp)
{
    writer_u16(w, HARDWARE_ETHERNET);
    writer_u16(w, ETH_TYPE_IP4);
    writer_u8(w, MAC_LEN);
    writer_u8(w, IP4_LEN);
    writer_u16(w, arp->op);
    writer_bytes(w, arp->sender_mac.b, MAC_LEN);
    writer_u32(w, arp->sender);
    writer_bytes(w, arp->target_mac.b, MAC_LEN);
    writer_u32(w, arp->target);
}
