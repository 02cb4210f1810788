/* SPDX-License-Identifier: Apache-2.0 */
/* law_frames.h - one frame of each sort that a policy tells apart, for tests; by code of its own.
 *
 * LAW_FRAMES: X(name, what makes it). Frames are written as text: words of hex, and words that
 * stand for a header: see word(). Lengths of IP are filled in, checksums are not (nothing here
 * judges them) but for that of router advertisements.
 */
#pragma once

#include "core/base/frame.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

#include <stdio.h>
#include <string.h>

#define LAW_FRAMES(X)                                                                         \
    X(ARP_ASK, "all arp")                                                                     \
    X(ARP_ANSWER, "uni arp")                                                                  \
    X(PING4, "uni ip4:01 08000000 00010001")                                                  \
    X(UDP4, "uni ip4:11 udp:1000,1001 ffff")                                                  \
    X(UDP4_ALL, "all ip4:11 udp:1000,1001 ffff")                                              \
    X(UDP4_LATER, "uni frag:0064 ip4:11 aaaaaaaaaaaaaaaa")                                    \
    X(OSPF4, "ospf ip4:59 0201002c")                                                          \
    X(SYN4, "uni ip4:06 tcp:02")                                                              \
    X(SYN4_OPTIONS, "uni options ip4:06 tcp:02")                                              \
    X(SYN4_TAGGED, "uni tag:0007 ip4:06 tcp:02")                                              \
    X(SYN4_TWICE_TAGGED, "uni 88a80005 tag:0007 ip4:06 tcp:02")                               \
    X(SYN4_FIRST, "uni frag:2000 ip4:06 tcp:02")                                              \
    X(SYN4_ECN, "uni ip4:06 tcp:c2")                                                          \
    X(ACCEPT4, "uni ip4:06 tcp:12")                                                           \
    X(ACK4, "uni ip4:06 tcp:10")                                                              \
    X(TCP4_LATER, "uni frag:2064 ip4:06 0000000000000000")                                    \
    X(TCP4_OVERLAP, "uni frag:2001 ip4:06 0000000050020000")                                  \
    X(DISCOVER, "all ip4:11 udp:68,67 01010600")                                              \
    X(RELAYED, "uni ip4:11 udp:67,67 01010600")                                               \
    X(OFFER, "uni ip4:11 udp:67,68 02010600")                                                 \
    X(OFFER_ALL, "all ip4:11 udp:67,68 02010600")                                             \
    X(OFFER_PORT, "uni ip4:11 udp:4011,68 02010600")                                          \
    X(OFFER_RELAY, "uni ip4:11 udp:67,67 02010600")                                           \
    X(OFFER_OPTIONS, "uni options ip4:11 udp:67,68 02010600")                                 \
    X(OFFER_TAGGED, "uni tag:0007 ip4:11 udp:67,68 02010600")                                 \
    X(OFFER_FIRST, "uni frag:2000 ip4:11 udp:67,68 02010600")                                 \
    X(UDP6, "uni ip6:11 udp:1000,1001 ffff")                                                  \
    X(UDP6_GROUP, "grp6 ip6:11 udp:1000,1001 ffff")                                           \
    X(PING6, "uni ip6:3a 80000000 00010001")                                                  \
    X(NS, "grp6 ip6:3a 87000000 00000000 fd000000000000000000000000000001")                   \
    X(NA, "uni ip6:3a 88000000 60000000 fd000000000000000000000000000001")                    \
    X(RS, "grp6 ip6:3a 85000000 00000000")                                                    \
    X(RA, "grp6 ip6:3a ra")                                                                   \
    X(RA_UNI, "uni ip6:3a ra")                                                                \
    X(RA_TAGGED, "grp6 tag:0007 ip6:3a ra")                                                   \
    X(RA_BEHIND, "grp6 ip6:3c 3a00010400000000 ra")                                           \
    X(RA_DEEP, "grp6 ip6:00 3c00010400000000 2c00010400000000 3a00000000001234 ra")           \
    X(RA_HALF, "grp6 ip6:3c 2c00010400000000 3a00000100001234")                               \
    X(SYN6, "uni ip6:06 tcp:02")                                                              \
    X(SYN6_BEHIND, "uni ip6:2b 0600000000000000 tcp:02")                                      \
    X(ACCEPT6, "uni ip6:06 tcp:12")                                                           \
    X(ACK6, "uni ip6:06 tcp:10")                                                              \
    X(TCP6_OVERLAP, "uni ip6:2c 0600000900001234 0000000050020000")                           \
    X(TCP6_LATER, "uni ip6:2c 0600010100001234 0000000000000000")                             \
    X(SOLICIT6, "grp6 ip6:11 udp:546,547 01aabbcc")                                           \
    X(REPLY6, "uni ip6:11 udp:547,546 07aabbcc")                                              \
    X(REPLY6_PORT, "uni ip6:11 udp:9999,546 07aabbcc")                                        \
    X(REPLY6_RELAY, "uni ip6:11 udp:547,547 0d00")                                            \
    X(REPLY6_BEHIND, "uni ip6:3c 1100010400000000 udp:547,546 07aabbcc")                      \
    X(LLDP, "lldp 88cc 0207040000000000 01040000")                                            \
    X(IPX, "uni 8137 ffff0000")                                                               \
    X(PPPOE, "all 8863 11090000")                                                             \
    X(BPDU, "stp 0026 424203 0000000000000000")                                               \
    X(TAGS3, "uni 81000001 81000002 81000003 0800 45000014 00000000 00000000 00000000 0000")  \
    X(SNAP4,                                                                                  \
      "uni 0024 aaaa03000000 0800 4500001c000000004011000001020304 050607080043004400080000") \
    X(SNAP_OTHER, "uni 0024 aaaa0300000c 2000 0000")

enum law_frame {
#define X(name, text) LAW_##name,
    LAW_FRAMES(X)
#undef X
        LAW_N_FRAMES
};

static const char *const law_text[LAW_N_FRAMES] = {
#define X(name, text) text,
    LAW_FRAMES(X)
#undef X
};

static const char *const law_name[LAW_N_FRAMES] = {
#define X(name, text) #name,
    LAW_FRAMES(X)
#undef X
};

struct law_making {
    uint8_t b[512];
    size_t n;
    size_t ip; /* where IP starts; 0: none */
    uint8_t version;
    uint32_t fragment;
    bool options;
};

static inline void
law_hex(struct law_making *m, const char *hex)
{
    for (; hex[0]; hex += 2) {
        g_assert_true(g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1]));
        m->b[m->n++] = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
    }
}

static inline void
law_ip4(struct law_making *m, const char *proto)
{
    g_autofree char *fragment = g_strdup_printf("%04x", m->fragment);
    m->version = 4;
    law_hex(m, "0800");
    m->ip = m->n;
    law_hex(m, m->options ? "4600" : "4500");
    law_hex(m, "00000001");
    law_hex(m, fragment);
    law_hex(m, "40");
    law_hex(m, proto);
    law_hex(m, "00000a0000010a000002");
    if (m->options)
        law_hex(m, "94040000"); /* router alert */
}

static inline void
law_word(struct law_making *m, const char *word)
{
    static const char ra[] = "86000000400007080000000000000000030440c0"
                             "00015180000038400000000020010db8000000000000000000000000";
    unsigned a = 0;
    unsigned b = 0;
    if (strcmp(word, "uni") == 0) {
        law_hex(m, "02000000000202000000000a");
    } else if (strcmp(word, "all") == 0) {
        law_hex(m, "ffffffffffff02000000000a");
    } else if (strcmp(word, "grp6") == 0) {
        law_hex(m, "33330000000102000000000a");
    } else if (strcmp(word, "ospf") == 0) {
        law_hex(m, "01005e00000502000000000a");
    } else if (strcmp(word, "lldp") == 0) {
        law_hex(m, "0180c200000e02000000000a");
    } else if (strcmp(word, "stp") == 0) {
        law_hex(m, "0180c200000002000000000a");
    } else if (strcmp(word, "arp") == 0) {
        law_hex(m, "0806000108000604000102000000000a0a0000010000000000000a000002");
    } else if (strcmp(word, "ra") == 0) {
        law_hex(m, ra);
    } else if (strcmp(word, "options") == 0) {
        m->options = true;
    } else if (g_str_has_prefix(word, "frag:")) {
        m->fragment = (uint32_t)g_ascii_strtoull(word + 5, NULL, 16);
    } else if (g_str_has_prefix(word, "tag:")) {
        law_hex(m, "8100");
        law_hex(m, word + 4);
    } else if (g_str_has_prefix(word, "ip4:")) {
        law_ip4(m, word + 4);
    } else if (g_str_has_prefix(word, "ip6:")) {
        m->version = 6;
        law_hex(m, "86dd");
        m->ip = m->n;
        law_hex(m, "600000000000");
        law_hex(m, word + 4);
        law_hex(m, "fffe8000000000000000000000000000aaff020000000000000000000000000001");
    } else if (g_str_has_prefix(word, "udp:")) {
        char *comma;
        a = (unsigned)g_ascii_strtoull(word + 4, &comma, 10);
        g_assert_true(*comma == ',');
        b = (unsigned)g_ascii_strtoull(comma + 1, NULL, 10);
        g_autofree char *hex = g_strdup_printf("%04x%04x00100000", a, b);
        law_hex(m, hex);
    } else if (g_str_has_prefix(word, "tcp:")) {
        law_hex(m, "c35001bb000000010000000050");
        law_hex(m, word + 4);
        law_hex(m, "ffff00000000");
    } else {
        law_hex(m, word);
    }
}

/* The bytes of a frame; in the making, where IP is. */
static inline void
law_bytes(const char *text, struct law_making *m)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 0);
    *m = (struct law_making){.n = 0};
    for (unsigned i = 0; words[i]; i++)
        law_word(m, words[i]);
    if (m->version == 4)
        put16(m->b + m->ip + 2, (uint32_t)(m->n - m->ip));
    if (m->version == 6)
        put16(m->b + m->ip + 4, (uint32_t)(m->n - m->ip - 40));
}

/* Free with g_free; ASan guards its end. */
static inline struct frame *
law_frame(enum law_frame which)
{
    struct law_making m;
    law_bytes(law_text[which], &m);
    return frame_exact(m.b, m.n);
}
