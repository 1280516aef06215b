/*
 * What a file says of how it is loaded, and which file a name is.
 */
#include "core/program.h"
#include "unit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[80];
static char path[PATH_MAX], other[PATH_MAX];

static void setup(void)
{
	snprintf(dir, sizeof(dir), "%s/XXXXXX", sx_unit_scratch());
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(other, sizeof(other), "%s/b", dir);
}

static void write_file(const char *name, const void *bytes, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static const struct sx_program_library nothing;

static struct sx_program inspected(const char *name)
{
	struct sx_program_file file = {AT_FDCWD, name, false};
	struct sx_program program;

	ck_assert_int_eq(sx_program_inspect(&file, &nothing, &program), 0);
	return program;
}

/* A program of our own kind with an interpreter and a note, both at a place
 * in the file. */
static void write_elf(const char *interp, const char *owner, size_t at)
{
	static char bytes[16384];
	ElfW(Ehdr) eh = {.e_phoff = sizeof(eh), .e_phnum = 3};
	ElfW(Phdr) ph[3] = {{.p_type = PT_LOAD}};
	struct {
		ElfW(Nhdr) head;
		char owner[4], desc[8];
	} note[2] = {{{4, 5, 1}, "GNU", ""}, {{4, 8, 4}, "", ""}};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ElfW(Ehdr) own;

	ck_assert_int_eq(read(fd, &own, sizeof(own)), sizeof(own));
	close(fd);
	memcpy(eh.e_ident, own.e_ident, sizeof(eh.e_ident));
	eh.e_machine = own.e_machine;
	memset(bytes, 0, sizeof(bytes));
	ph[1].p_type = interp ? PT_INTERP : PT_LOAD;
	ph[1].p_offset = at;
	ph[1].p_filesz = interp ? strlen(interp) + 1 : 0;
	ph[2].p_type = owner ? PT_NOTE : PT_LOAD;
	ph[2].p_offset = at + 5000;
	ph[2].p_filesz = sizeof(note);
	if (interp)
		memcpy(bytes + at, interp, strlen(interp) + 1);
	if (owner)
		memcpy(note[1].owner, owner, 4);
	memcpy(bytes + at + 5000, note, sizeof(note));
	memcpy(bytes, &eh, sizeof(eh));
	memcpy(bytes + sizeof(eh), ph, sizeof(ph));
	write_file(path, bytes, sizeof(bytes));
}

#define LONG100                                                                \
	"/long/long/long/long/long/long/long/long/long/long/long/long/long/"   \
	"long/long/long/long/long/long/long"

static const struct {
	const char *interp, *owner;
	size_t at;
	enum sx_obstacle obstacle;
} elves[] = {
	{"/lib64/ld-linux-x86-64.so.2", NULL, 400, SX_OBSTACLE_NONE},
	{"/lib64/ld-linux-x86-64.so.2", "Gnu", 9000, SX_OBSTACLE_NONE},
	{"/lib64/ld-linux-x86-64.so.2", NULL, 1010, SX_OBSTACLE_NONE},
	{LONG100 "/ld-linux.so.2", NULL, 400, SX_OBSTACLE_NONE},
	{"/lib/ld64.so.1", NULL, 400, SX_OBSTACLE_NONE},
	{"/lib/ld-musl-x86_64.so.1", NULL, 400, SX_OBSTACLE_OTHER_LIBC},
	{LONG100 "/ld-musl-x86_64.so.1", NULL, 9000, SX_OBSTACLE_OTHER_LIBC},
	{NULL, NULL, 400, SX_OBSTACLE_STATIC},
	{NULL, "Go\0", 400, SX_OBSTACLE_GO},
	{"/lib64/ld-linux-x86-64.so.2", "Go\0", 400, SX_OBSTACLE_GO},
	{"/lib64/ld-linux-x86-64.so.2", "Go\0", 9000, SX_OBSTACLE_GO},
};

START_TEST(an_elf_file_says_how_it_is_loaded)
{
	write_elf(elves[_i].interp, elves[_i].owner, elves[_i].at);
	ck_assert_int_eq(inspected(path).obstacle, elves[_i].obstacle);
}
END_TEST

START_TEST(another_class_is_an_obstacle_unless_there_is_a_library)
{
	char lib[PATH_MAX], entry[PATH_MAX];
	unsigned char head[EI_NIDENT + 4];
	struct sx_program_file file = {AT_FDCWD, path, false};
	struct sx_program_library library = {.entry = entry};
	struct sx_program program;
	const uint16_t machine = EM_386;
	const unsigned char class32 = ELFCLASS32;
	Elf32_Ehdr eh = {.e_phoff = sizeof(eh), .e_phnum = 1};
	Elf32_Phdr ph = {.p_type = PT_INTERP, .p_filesz = 19};
	char bytes[200];

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = class32;
	eh.e_machine = machine;
	ph.p_offset = sizeof(eh) + sizeof(ph);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &eh, sizeof(eh));
	memcpy(bytes + sizeof(eh), &ph, sizeof(ph));
	memcpy(bytes + ph.p_offset, "/lib/ld-linux.so.2", 19);
	write_file(path, bytes, sizeof(bytes));
	if (sizeof(void *) == 4)
		return; /* it is our own */
	snprintf(entry, sizeof(entry), "%s/$LIB/x.so", dir);
	sx_program_inspect(&file, &library, &program);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_OTHER_CLASS);
	snprintf(lib, sizeof(lib), "%s/lib32", dir);
	mkdir(lib, 0755);
	snprintf(lib, sizeof(lib), "%s/lib32/x.so", dir);
	memset(head, 0, sizeof(head));
	memcpy(head, ELFMAG, SELFMAG);
	head[EI_CLASS] = ELFCLASS64; /* of no use */
	memcpy(head + EI_NIDENT + 2, &machine, 2);
	write_file(lib, head, sizeof(head));
	sx_program_inspect(&file, &library, &program);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_OTHER_CLASS);
	head[EI_CLASS] = class32;
	write_file(lib, head, sizeof(head));
	sx_program_inspect(&file, &library, &program);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_NONE);
}
END_TEST

static const char *const others[] = {
	"",
	"#",
	"#!",
	"#!\n",
	"#! \t\n",
	"echo\n",
	"#!/no/such\n",
	"#!relative\n",
	"\177ELF",
	"\177ELF too short for a head",
};

START_TEST(what_is_no_program_is_left_to_the_kernel)
{
	write_text(path, others[_i]);
	ck_assert_int_eq(inspected(path).obstacle, SX_OBSTACLE_NONE);
}
END_TEST

START_TEST(what_is_no_file_is_left_to_the_kernel)
{
	char seen[512];
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	mkfifo(path, 0755); /* opening it would let its writer go on */
	ck_assert_int_ge(inotify_add_watch(watch, path, IN_OPEN), 0);
	ck_assert_int_eq(inspected(path).obstacle, SX_OBSTACLE_NONE);
	ck_assert_int_lt(read(watch, seen, sizeof(seen)), 0);
	ck_assert_int_eq(errno, EAGAIN);
	close(watch);
	ck_assert_int_eq(inspected(dir).obstacle, SX_OBSTACLE_NONE);
	ck_assert_int_eq(inspected("/no/such").obstacle, SX_OBSTACLE_NONE);
	ck_assert_int_eq(inspected("").obstacle, SX_OBSTACLE_NONE);
	ck_assert_int_eq(inspected("/dev/null").obstacle, SX_OBSTACLE_NONE);
}
END_TEST

/* The forms of a "#!" line, around the interpreter. */
static const struct {
	const char *before, *behind;
} lines[] = {
	{"#!", "\n"},
	{"#! ", "\n"},
	{"#!\t", " -x y\n"},
	{"#!", ""},
	{"#!", " \n#!/bin/sh\n"},
};

START_TEST(a_script_has_the_obstacle_of_its_interpreter)
{
	char text[PATH_MAX + 64];
	struct sx_program program;

	write_elf(NULL, NULL, 400);
	snprintf(text, sizeof(text), "%s%s%s", lines[_i].before, path,
		lines[_i].behind);
	write_text(other, text);
	program = inspected(other);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_STATIC);
	ck_assert_str_eq(program.interpreter, path);
	ck_assert_ptr_nonnull(strstr(program.text, "static"));
	/* a script of a script */
	snprintf(text, sizeof(text), "%s/c", dir);
	char line[PATH_MAX + 16];
	snprintf(line, sizeof(line), "#!%s arg\n", other);
	write_text(text, line);
	program = inspected(text);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_STATIC);
	ck_assert_str_eq(program.interpreter, path);
}
END_TEST

START_TEST(a_script_of_itself_comes_to_an_end)
{
	char line[PATH_MAX + 16];

	snprintf(line, sizeof(line), "#!%s\n", path);
	write_text(path, line);
	ck_assert_int_eq(inspected(path).obstacle, SX_OBSTACLE_NONE);
	memset(line, 'x', 2000);
	memcpy(line, "#!/", 3);
	write_file(path, line, 2000);
	ck_assert_int_eq(inspected(path).obstacle, SX_OBSTACLE_NONE);
}
END_TEST

START_TEST(a_descriptor_is_looked_into)
{
	struct sx_program program;

	write_elf(NULL, NULL, 400);
	for (int i = 0; i < 2; i++) {
		int fd = open(path, (i ? O_PATH : O_RDONLY) | O_CLOEXEC);
		struct sx_program_file file = {fd, "", false};
		ck_assert_int_eq(
			sx_program_inspect(&file, &nothing, &program), 0);
		ck_assert_int_eq(program.obstacle, SX_OBSTACLE_STATIC);
		ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
		close(fd);
	}
	int folder = open(dir, O_PATH | O_CLOEXEC);
	struct sx_program_file file = {folder, "a", false};
	ck_assert_int_eq(sx_program_inspect(&file, &nothing, &program), 0);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_STATIC);
	close(folder);
}
END_TEST

START_TEST(without_a_descriptor_nothing_can_be_said)
{
	struct sx_program_file file = {AT_FDCWD, path, false};
	struct sx_program program;
	struct rlimit none;

	write_elf(NULL, NULL, 400);
	getrlimit(RLIMIT_NOFILE, &none);
	struct rlimit was = none;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	int r = sx_program_inspect(&file, &nothing, &program);
	setrlimit(RLIMIT_NOFILE, &was);
	ck_assert_int_eq(r, -EMFILE);
}
END_TEST

START_TEST(a_library_that_cannot_be_read_is_an_obstacle)
{
	struct sx_program_file file = {AT_FDCWD, path, false};
	struct sx_program program;

	write_elf("/lib64/ld-linux-x86-64.so.2", NULL, 400);
	write_text(other, "");
	struct sx_program_library library = {.entry = other};
	sx_program_inspect(&file, &library, &program);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_NONE);
	unlink(other);
	sx_program_inspect(&file, &library, &program);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_NO_LIBRARY);
	library.entry = "/no/such/$LIB/x.so"; /* nobody knows what it means */
	sx_program_inspect(&file, &library, &program);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_NONE);
	library.path = other;
	sx_program_inspect(&file, &library, &program);
	ck_assert_int_eq(program.obstacle, SX_OBSTACLE_NO_LIBRARY);
}
END_TEST

static int found(const char *name, const char *dirs)
{
	char out[PATH_MAX];
	int r = sx_program_find(name, dirs, out, sizeof(out));

	if (r == 0)
		ck_assert_str_eq(out, path);
	return r;
}

START_TEST(a_name_is_looked_for_as_execvp_does_it)
{
	char dirs[3 * sizeof(dir)], small[4];

	write_text(path, "");
	write_text(other, "");
	chmod(other, 0644);
	snprintf(dirs, sizeof(dirs), "/no/such:%s", dir);
	ck_assert_int_eq(found("a", dirs), 0);
	ck_assert_int_eq(found("b", dirs), -EACCES);
	ck_assert_int_eq(found("c", dirs), -ENOENT);
	ck_assert_int_eq(found("", dirs), -ENOENT);
	ck_assert_int_eq(found(path, "/no/such"), 0);
	ck_assert_int_eq(found(other, dirs), -EACCES);
	ck_assert_int_eq(found("/no/such", dirs), -ENOENT);
	ck_assert_int_eq(sx_program_find(path, dirs, small, sizeof(small)),
		-ENAMETOOLONG);
	ck_assert_int_eq(
		sx_program_find("a", dirs, small, sizeof(small)), -ENOENT);
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(
		sx_program_find("a", "/no/such:", small, sizeof(small)), 0);
	ck_assert_str_eq(small, "a");
	ck_assert_str_eq(sx_program_name("/x/y"), "y");
	ck_assert_str_eq(sx_program_name("y"), "y");
}
END_TEST

#define N(array) (sizeof(array) / sizeof(*(array)))

int main(void)
{
	Suite *s = suite_create("program");
	TCase *t = tcase_create("program");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, an_elf_file_says_how_it_is_loaded, 0, N(elves));
	tcase_add_test(
		t, another_class_is_an_obstacle_unless_there_is_a_library);
	tcase_add_loop_test(
		t, what_is_no_program_is_left_to_the_kernel, 0, N(others));
	tcase_add_test(t, what_is_no_file_is_left_to_the_kernel);
	tcase_add_loop_test(
		t, a_script_has_the_obstacle_of_its_interpreter, 0, N(lines));
	tcase_add_test(t, a_script_of_itself_comes_to_an_end);
	tcase_add_test(t, a_descriptor_is_looked_into);
	tcase_add_test(t, without_a_descriptor_nothing_can_be_said);
	tcase_add_test(t, a_library_that_cannot_be_read_is_an_obstacle);
	tcase_add_test(t, a_name_is_looked_for_as_execvp_does_it);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}
