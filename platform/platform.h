/* SPDX-License-Identifier: Apache-2.0 */
/* platform.h - what differs between systems, behind one contract. One folder of platform/ is
 * compiled.
 *
 * Nothing here knows core's types: packets are struct pf_slice, offload marks struct pf_offload.
 * Unless a function says otherwise it may be called on any thread, one call at a time per handle,
 * and does not block. Errors: GError with the domain G_IO_ERROR or G_FILE_ERROR and a sentence for
 * a person.
 */
#pragma once

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

struct pf_slice {
    void *at;
    size_t len;
};

/* The marks of one packet: the fields of a virtio-net header. */
struct pf_offload {
    uint8_t flags;    /* PF_NEEDS_CSUM, PF_CSUM_OK */
    uint8_t gso_type; /* 0 none, 1 TCPv4, 4 TCPv6, 5 UDP; 0x80 added: TCP with ECN */
    uint16_t hdr_len; /* sum of all headers of a super-frame; a hint */
    uint16_t gso_size;
    uint16_t csum_start, csum_offset;
};
enum { PF_NEEDS_CSUM = 1, PF_CSUM_OK = 2 };

/* ---- capabilities ---- */

enum pf_capability {
    PF_CAP_TAP,          /* may create virtual adapters */
    PF_CAP_RAW_ETHERNET, /* may read and write frames of a network card */
    PF_CAP_LOW_PORTS,    /* may listen below 1024 */
    PF_CAP_REUSEPORT_SPREAD,
    PF_CAP_NET_ADMIN,
};
bool pf_can(enum pf_capability what);

/* ---- poller: level-triggered; one thread ---- */

/* PF_HANGUP is a hang-up or an error, and is told whether wanted or not: reading or writing says
 * what it is. */
enum { PF_READ = 1, PF_WRITE = 2, PF_HANGUP = 4 };
struct pf_event {
    void *cookie;
    unsigned events;
};
struct pf_poller;
struct pf_poller *pf_poller_new(GError **error);
void pf_poller_free(struct pf_poller *p);
bool pf_poller_add(struct pf_poller *p, int fd, unsigned want, void *cookie);
bool pf_poller_mod(struct pf_poller *p, int fd, unsigned want, void *cookie);
void pf_poller_del(struct pf_poller *p, int fd);
/* Blocks up to timeout_us (rounded up to what the system can; 0: does not block; < 0: for ever).
 * Returns how many events were filled in, 0 also when interrupted. */
unsigned
pf_poller_wait(struct pf_poller *p, struct pf_event *events, unsigned max, int64_t timeout_us);

/* A descriptor that becomes readable by pf_wake_signal() (any thread) until pf_wake_clear(). */
int pf_wake_new(GError **error);
void pf_wake_signal(int fd);
void pf_wake_clear(int fd);

/* ---- sockets ---- */

/* Listening TCP socket, non-blocking, close-on-exec. Dual-stack when sa is the IPv6 wildcard. */
int pf_tcp_listen(const struct sockaddr *sa, unsigned salen, int backlog, GError **error);
/* Also for a Unix socket. -1 with errno EAGAIN when there is none; the new socket is non-blocking,
 * close-on-exec, TCP_NODELAY. Fills the peer (struct sockaddr_storage). */
int pf_tcp_accept(int listener, void *peer, unsigned *peerlen);
/* Starts a connection; done when writable, then pf_socket_error(). mark: routing mark that keeps
 * the socket out of the tunnel's routes, 0 for none. */
int pf_tcp_connect(const struct sockaddr *sa, unsigned salen, uint32_t mark, GError **error);
int pf_socket_error(int fd);
/* Non-blocking: bytes moved, 0 at the end of the stream (recv), -1 EAGAIN (and for no bytes at
 * all), -2 any other error. */
long pf_recv(int fd, void *at, size_t len);
long pf_send(int fd, const void *at, size_t len);
/* For a stream that carries a tunnel: no delay, buffers that the system sizes itself, a dead peer
 * noticed within half a minute; notsent_low: bytes unsent above which the socket is not writable,
 * 0 for no such limit. */
void pf_tcp_tune_tunnel(int fd, unsigned notsent_low);
/* As pf_recv, without taking the bytes. */
long pf_peek(int fd, void *at, size_t len);
/* How many bytes must be there before the poller calls the socket readable; 1 at the start. */
void pf_socket_low_water(int fd, int bytes);
/* Bytes that the socket holds and has not sent even once; 0 where the system cannot tell. */
size_t pf_tcp_unsent(int fd);
/* The socket's own end: fills a struct sockaddr_storage. */
bool pf_socket_local(int fd, void *addr, unsigned *len);
void pf_close(int fd);
/* Unix stream socket at path, mode given; replaces a dead one, and fails when another instance
 * answers there. May wait a second for one that is just starting. */
int pf_unix_listen(const char *path, unsigned mode, GError **error);
/* Who is at the other end of a Unix socket. */
bool pf_unix_peer(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid);

/* ---- virtual adapter (TAP) ---- */

struct pf_vnic;
/* name: wanted name, "" for any; mac: six bytes or NULL. Opens with virtio-net header, checksum and
 * TSO offload on where the system has them. persist: an adapter that outlives the process is
 * reused. */
struct pf_vnic *pf_vnic_open(const char *name, const uint8_t *mac, bool persist, GError **error);
/* An adapter for IP packets without an Ethernet header (TUN), that goes with the handle; all below
 * holds for it too, but that it has no MAC address. A name with %d gets a number. */
struct pf_vnic *pf_tun_open(const char *name, GError **error);
void pf_vnic_close(struct pf_vnic *v);
int pf_vnic_fd(const struct pf_vnic *v); /* to poll */
const char *pf_vnic_name(const struct pf_vnic *v);
void pf_vnic_mac(const struct pf_vnic *v, uint8_t mac[6]);
unsigned pf_vnic_mtu(const struct pf_vnic *v);
bool pf_vnic_has_offload(const struct pf_vnic *v);
/* One frame into the buffers of iov (n <= 66 of them). Its length, -1 nothing there, -2 error. What
 * does not fit is cut off unnoticed: with offload a frame may have 65536 bytes and its headers. */
long
pf_vnic_recv(struct pf_vnic *v, const struct pf_slice *iov, unsigned n, struct pf_offload *off);
/* One frame, gathered (n <= 66). True when taken; false: full (errno EAGAIN), switched off (EIO) or
 * refused. off may be NULL. */
bool pf_vnic_send(struct pf_vnic *v, const struct pf_slice *iov, unsigned n,
                  const struct pf_offload *off);

/* ---- raw Ethernet on a network card ---- */

struct pf_etherlink;
/* Promiscuous; does not see what this host sends. VLAN tags that the system took out are put back.
 * The card must be switched on. */
struct pf_etherlink *pf_etherlink_open(const char *ifname, GError **error);
void pf_etherlink_close(struct pf_etherlink *l);
int pf_etherlink_fd(const struct pf_etherlink *l);
unsigned pf_etherlink_mtu(const struct pf_etherlink *l);
bool pf_etherlink_has_offload(const struct pf_etherlink *l);
/* Up to n frames (n <= 64), one a buffer; len is set to the length of each, 0 for one that must be
 * ignored (too long for the buffer; with offload a frame may have 65536 bytes and its headers). The
 * first PF_ETHERLINK_VLAN_ROOM bytes before each buffer's start may be used: a frame
 * whose tag was put back starts there, and at is moved. Returns how many, 0 when nothing was there,
 * -2 on error (the device went away or was switched off: open it anew later). */
enum { PF_ETHERLINK_VLAN_ROOM = 4 };
int
pf_etherlink_recv(struct pf_etherlink *l, struct pf_slice *buf, struct pf_offload *off, unsigned n);
struct pf_packet {
    const struct pf_slice *iov;
    unsigned n_iov;
    struct pf_offload off;
};
/* Returns how many of n (<= 64) were taken, -2 on error. Fewer than n: the card's queue is full,
 * and no event tells when it no longer is. A frame that the system refuses counts as taken, and is
 * added to *refused. */
int
pf_etherlink_send(struct pf_etherlink *l, const struct pf_packet *p, unsigned n, unsigned *refused);
/* Names of the cards that a bridge could use; free with g_strfreev. */
char **pf_etherlink_list(void);

/* ---- batched UDP ---- */

struct pf_udp;
struct pf_udp *
pf_udp_open(const struct sockaddr *sa, unsigned salen, bool reuseport, GError **error);
void pf_udp_close(struct pf_udp *u);
int pf_udp_fd(const struct pf_udp *u);
/* Has the system give each datagram to the right one of the sockets that share the port by
 * reuseport: the one whose number, counted from 1 in the order in which they were opened, is its
 * byte at `at`; or that at `instead`, where its first four bytes are zero. A number that there is
 * not: as without steering. Any of the sockets; it holds for all. False where the system cannot. */
bool pf_udp_steer(struct pf_udp *u, unsigned at, unsigned instead);
/* The same batches for packets of an IP protocol without ports, of one family (4 or 6); ports in
 * the addresses are nothing. The IP header is the system's. Only packets whose first byte is
 * `first` are received; 0: none at all. Needs a right (CAP_NET_RAW). */
struct pf_udp *pf_raw_open(int family, uint8_t protocol, uint8_t first, GError **error);
/* A received piece of memory: one datagram, or several of segment bytes each (the last may be
 * shorter). */
struct pf_datagram {
    struct pf_slice data;    /* in: buffer; out: what is there */
    uint16_t segment;        /* 0: one datagram */
    unsigned char peer[32];  /* struct sockaddr_in or _in6 */
    unsigned char local[20]; /* family:1, pad:3, address:16: where it was sent to; sticky source
                                when sending */
};
/* Received pieces (n <= 64), 0 nothing, -2 error. Buffers under 65535 bytes switch the merging of
 * datagrams off for this socket. data.len 0: an empty datagram, or one too long for its buffer. */
int pf_udp_recv(struct pf_udp *u, struct pf_datagram *d, unsigned n);
/* Sends n pieces (n <= 64), by UDP_SEGMENT where segment is set and the system can. Returns how
 * many were taken: sent, or lost as datagrams are. */
int pf_udp_send(struct pf_udp *u, const struct pf_datagram *d, unsigned n);

/* ---- sockets for many strangers: what a NAT needs ---- */

/* As pf_recv() and pf_send(), with n (<= 64) slices by one call. */
long pf_recv_slices(int fd, const struct pf_slice *iov, unsigned n);
long pf_send_slices(int fd, const struct pf_slice *iov, unsigned n);
void pf_shutdown_write(int fd);
/* Closes so that the other end of a TCP connection sees a reset, not an end. */
void pf_close_reset(int fd);
/* Has the system ask a silent peer whether it is still there. */
void pf_tcp_keepalive(int fd, unsigned idle_s);
/* Raises the number of descriptors that the process may have as far as the system lets it; returns
 * the number. */
unsigned pf_descriptors_raise(void);

/* UDP without a state of its own in memory, for thousands of sockets: of the family (4 or 6), on a
 * port that the system chooses, which a stranger cannot guess. -1 and errno. */
int pf_dgram_open(int family);
/* The same, but only for this peer. */
int pf_dgram_connect(const struct sockaddr *sa, unsigned salen);
/* For ICMP echo, by permission of the system or by right. *raw: what comes is seen by every such
 * socket, has an IPv4 header, and the identifier must be looked at. -1 and errno. */
int pf_ping_open(int family, bool *raw);
/* As pf_udp_recv() and pf_udp_send(), but for pf_datagram.local, which is not used, and that a
 * datagram that is refused is passed over. */
int pf_dgram_recv(int fd, struct pf_datagram *d, unsigned n);
int pf_dgram_send(int fd, const struct pf_datagram *d, unsigned n);
/* What became of a datagram on its way. */
struct pf_dgram_error {
    unsigned char peer[32];     /* where it was sent to; struct sockaddr_in or _in6 */
    unsigned char reporter[32]; /* who says so; family 0: this host */
    uint8_t type, code;         /* of ICMP or ICMPv6 */
    uint32_t mtu;               /* of "too big" */
    int error;                  /* errno */
};
/* False: there is no more. */
bool pf_dgram_error(int fd, struct pf_dgram_error *out);

/* ---- this host's network configuration (blocking, short; control thread) ---- */

bool pf_net_link_up(const char *ifname, bool up, GError **error);
bool pf_net_link_mtu(const char *ifname, unsigned mtu, GError **error);
/* addr: 4 or 16 bytes by family (4 or 6). connected: also make the connected route in the main
 * table. */
bool pf_net_addr_add(const char *ifname, int family, const uint8_t *addr, unsigned prefix,
                     bool connected, GError **error);
/* All addresses but IPv6's link-local one. An interface that is gone is no error. */
bool pf_net_addr_flush(const char *ifname, GError **error);
struct pf_route {
    int family; /* 4 or 6 */
    uint8_t dst[16];
    uint8_t dst_len;
    uint8_t via[16]; /* all zero: on the link */
    uint32_t table;  /* 0: main */
    uint32_t metric;
};
/* Replaces the interface's own route of this destination, table and metric; fails when it is
 * another interface's. Bits of dst beyond dst_len are ignored. */
bool pf_net_route_add(const char *ifname, const struct pf_route *r, GError **error);
/* All routes of a table (0: main) that leave by the interface, but those that the system made for
 * its addresses. */
bool pf_net_route_flush(const char *ifname, uint32_t table, GError **error);
/* The tunnel's own packets (mark) never look into table; all others do, before main. Both families.
 * Adding twice is once; default_route: main's default routes are passed over, so that a default in
 * table wins. */
bool pf_net_rule_add(uint32_t mark, uint32_t table, bool default_route, GError **error);
/* Both kinds; what is not there is no error. */
bool pf_net_rule_del(uint32_t mark, uint32_t table, GError **error);

/* The server at the other end of the tunnel of that table: what goes to this address uses main's
 * routes, default too. Its answers carry no mark, and where the system checks strictly by which way
 * they would be answered (rp_filter 1), a tunnel that takes all traffic needs this. */
bool pf_net_peer_add(uint32_t table, int family, const uint8_t *addr, GError **error);
bool pf_net_peer_del(uint32_t table, int family, const uint8_t *addr, GError **error);

/* ---- NAT by the system (blocking, short; control thread) ---- */

/* Whether this host passes packets of the family (4 or 6) on; nothing here ever switches it. */
bool pf_ip_forwarding(int family);
/* A route of this host, of any table and other than a default, that has addresses in common with
 * the network: *ifname is where it leads ("" where it has no interface). */
enum { PF_IFNAME = 16 };
bool pf_net_route_overlaps(int family, const uint8_t *dst, unsigned len, char ifname[PF_IFNAME]);
/* Whether the program that pf_nat_masquerade() needs is there. */
bool pf_nat_available(void);
struct pf_nat_net {
    int family; /* 4 or 6 */
    uint8_t addr[16];
    uint8_t len;
};
/* What comes in by the adapter from one of the n networks and leaves by another gets the address of
 * that other one. In a table of its own, named after the adapter; one left over from an earlier run
 * is replaced, and no other is touched. */
bool
pf_nat_masquerade(const char *ifname, const struct pf_nat_net *net, unsigned n, GError **error);
/* What is not there is no error. */
bool pf_nat_remove(const char *ifname, GError **error);

/* ---- service and files ---- */

/* "READY=1", "STOPPING=1", "STATUS=...": for the service manager, if there is one. Waits at most a
 * second for it. */
void pf_service_notify(const char *state);
/* Where state, run-time sockets and logs of a program live: system folders as root, XDG folders
 * otherwise. Created (0700) on demand; free with g_free. */
enum pf_folder { PF_FOLDER_STATE, PF_FOLDER_RUNTIME, PF_FOLDER_LOG };
char *pf_folder(enum pf_folder which, const char *program, GError **error);
/* The whole file replaced: written aside, fsync'ed, renamed, folder fsync'ed. */
bool
pf_file_replace(const char *path, const void *bytes, size_t len, unsigned mode, GError **error);
/* Before there is a second thread: what is freed is given back soon, also after large pieces were
 * freed, from which the allocator would otherwise learn to keep more. */
void pf_memory_setup(void);
/* Gives memory that was freed back to the system, where the allocator keeps it otherwise. May take
 * some milliseconds. */
void pf_memory_trim(void);
/* No core dumps, no ptrace by other users, no new privileges; keeps only the capabilities named, in
 * this thread and those that it starts later: call it before there are any. */
bool pf_harden(bool keep_net_admin, bool keep_net_raw, bool keep_bind, GError **error);
