/* SPDX-License-Identifier: Apache-2.0 */
/* test-files.c - the contract of file replacement and of the program's folders. */

#include "platform/platform.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
make_folder(void)
{
    char *folder = g_dir_make_tmp("polyether-XXXXXX", NULL);
    g_assert_nonnull(folder);
    return folder;
}

static unsigned
mode_of(const char *path)
{
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    return st.st_mode & 07777;
}

static unsigned
count_files(const char *folder)
{
    GDir *d = g_dir_open(folder, 0, NULL);
    g_assert_nonnull(d);
    unsigned n = 0;
    while (g_dir_read_name(d) != NULL)
        n++;
    g_dir_close(d);
    return n;
}

static void
assert_content(const char *path, const char *want, size_t len)
{
    g_autofree char *bytes = NULL;
    gsize n = 0;
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    g_assert_cmpmem(bytes, (int)n, want, (int)len);
}

static void
test_replace(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "key", NULL);

    g_assert_true(pf_file_replace(path, "one", 3, 0600, &error));
    g_assert_no_error(error);
    assert_content(path, "one", 3);
    g_assert_cmpuint(mode_of(path), ==, 0600);

    g_assert_true(pf_file_replace(path, "a\0b", 3, 0644, &error));
    assert_content(path, "a\0b", 3);
    g_assert_cmpuint(mode_of(path), ==, 0644);

    g_assert_true(pf_file_replace(path, NULL, 0, 0600, &error));
    assert_content(path, "", 0);
    g_assert_cmpuint(count_files(folder), ==, 1);

    (void)g_unlink(path);
    (void)g_rmdir(folder);
}

static void
test_replace_errors(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = make_folder();
    g_autofree char *nowhere = g_build_filename(folder, "none", "key", NULL);
    g_assert_false(pf_file_replace(nowhere, "x", 1, 0600, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_nonnull(strstr(error->message, nowhere));
    g_clear_error(&error);

    g_autofree char *sub = g_build_filename(folder, "sub", NULL);
    g_assert_cmpint(g_mkdir(sub, 0700), ==, 0);
    g_assert_false(pf_file_replace(sub, "x", 1, 0600, &error)); /* a folder is in the way */
    g_assert_nonnull(error);
    g_assert_cmpuint(count_files(folder), ==, 1); /* and nothing is left aside */
    (void)g_rmdir(sub);
    (void)g_rmdir(folder);
}

static void
assert_folder(enum pf_folder which, const char *want)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *got = pf_folder(which, "polyether-test", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(got, ==, want);
    g_assert_cmpuint(mode_of(got), ==, 0700);
}

static void
remove_folders(const char *root, const char *const *names)
{
    for (; *names != NULL; names++) {
        g_autofree char *path = g_build_filename(root, *names, NULL);
        g_assert_cmpint(g_rmdir(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(root), ==, 0);
}

static void
test_folders_of_service(void)
{
    g_autofree char *root = make_folder();
    g_autofree char *state = g_build_filename(root, "state", NULL);
    g_autofree char *list = g_strdup_printf("%s:%s/other", state, root);
    g_assert_true(g_setenv("STATE_DIRECTORY", list, TRUE));
    assert_folder(PF_FOLDER_STATE, state);
    assert_folder(PF_FOLDER_STATE, state); /* twice is no error */
    g_unsetenv("STATE_DIRECTORY");
    remove_folders(root, (const char *const[]){"state", NULL});
}

static void
test_folders_of_user(void)
{
    if (geteuid() == 0) {
        g_test_skip("root has the system's folders");
        return;
    }
    g_autofree char *root = make_folder();
    g_autofree char *runtime = g_build_filename(root, "runtime", NULL);
    g_autofree char *state = g_build_filename(root, "polyether-test", NULL);
    g_autofree char *log = g_build_filename(state, "log", NULL);
    g_autofree char *run = g_build_filename(state, "run", NULL);
    g_autofree char *run_xdg = g_build_filename(runtime, "polyether-test", NULL);

    g_assert_true(g_setenv("XDG_STATE_HOME", root, TRUE));
    g_assert_true(g_setenv("XDG_RUNTIME_DIR", runtime, TRUE));
    assert_folder(PF_FOLDER_STATE, state);
    assert_folder(PF_FOLDER_LOG, log);
    assert_folder(PF_FOLDER_RUNTIME, run); /* the XDG folder does not exist */
    g_assert_cmpint(g_mkdir(runtime, 0700), ==, 0);
    assert_folder(PF_FOLDER_RUNTIME, run_xdg);
    remove_folders(root,
                   (const char *const[]){"runtime/polyether-test", "runtime", "polyether-test/log",
                                         "polyether-test/run", "polyether-test", NULL});
}

static void
test_folder_refused(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *root = make_folder();
    g_autofree char *file = g_build_filename(root, "file", NULL);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_true(g_setenv("LOGS_DIRECTORY", file, TRUE));
    g_assert_null(pf_folder(PF_FOLDER_LOG, "polyether-test", &error));
    g_assert_nonnull(strstr(error->message, file));
    g_unsetenv("LOGS_DIRECTORY");
    (void)g_unlink(file);
    (void)g_rmdir(root);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_unsetenv("STATE_DIRECTORY");
    g_unsetenv("RUNTIME_DIRECTORY");
    g_unsetenv("LOGS_DIRECTORY");
    g_test_add_func("/platform/files/replace", test_replace);
    g_test_add_func("/platform/files/replace-errors", test_replace_errors);
    g_test_add_func("/platform/folders/service", test_folders_of_service);
    g_test_add_func("/platform/folders/user", test_folders_of_user);
    g_test_add_func("/platform/folders/refused", test_folder_refused);
    return g_test_run();
}
