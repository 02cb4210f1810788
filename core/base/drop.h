/* SPDX-License-Identifier: Apache-2.0 */
/* drop.h - every reason for which a frame is given up; one counter each.
 *
 * The list below makes the enumeration, the names in statistics and the sentences in the manual.
 * DROP_NONE means that the frame lives on.
 */
#pragma once

#define DROP_REASONS(X)                                                                  \
    X(SHORT, "short", "shorter than its headers")                                        \
    X(MALFORMED, "malformed", "headers that contradict each other")                      \
    X(VERSION, "version", "a version of the protocol that is not spoken here")           \
    X(TOO_LONG, "too-long", "longer than the port or the protocol allows")               \
    X(NO_HEADROOM, "no-headroom", "no room for another header")                          \
    X(NO_BUFFER, "no-buffer", "no buffer was free")                                      \
    X(QUEUE_FULL, "queue-full", "the queue of the port was full")                        \
    X(AQM, "aqm", "waited too long in the queue of the port (CoDel)")                    \
    X(RING_FULL, "ring-full", "the way to another worker was full")                      \
    X(HAIRPIN, "hairpin", "would leave by the port it came from")                        \
    X(BAD_SOURCE, "bad-source", "source address is a group, zero, or not this port's")   \
    X(FDB_FULL, "fdb-full", "no room for another MAC address in the hub or at the port") \
    X(STORM, "storm", "more broadcast than the port may send")                           \
    X(ISOLATION, "isolation", "ports that may not talk to each other")                   \
    X(RESERVED, "reserved", "a link-local control frame that bridges do not forward")    \
    X(MTU, "mtu", "longer than the MTU of the port it should leave by")                  \
    X(INFLATE, "inflate", "did not decompress to a frame")                               \
    X(NO_ROUTE, "no-route", "no gateway, or nobody answers for the next hop")            \
    X(CRYPTO, "crypto", "could not be decrypted, or was tampered with")                  \
    X(REPLAY, "replay", "a sequence number that was there already, or is too old")       \
    X(POLICY, "policy", "forbidden by the security policy")                              \
    X(ACL, "acl", "discarded by an access rule")                                         \
    X(LIMIT, "limit", "over the bandwidth or the quota of the port")                     \
    X(PORT_DOWN, "port-down", "the port was going away")                                 \
    X(IO, "io", "the operating system refused it")

enum drop {
    DROP_NONE = 0,
#define X(name, text, why) DROP_##name,
    DROP_REASONS(X)
#undef X
        DROP_N_REASONS
};

/* The name as it stands in statistics: "queue-full". */
static inline const char *
drop_name(enum drop why)
{
    static const char *const names[DROP_N_REASONS] = {[DROP_NONE] = "none",
#define X(name, text, sentence) [DROP_##name] = (text),
                                                      DROP_REASONS(X)
#undef X
    };
    return (unsigned)why < DROP_N_REASONS ? names[why] : "unknown";
}
