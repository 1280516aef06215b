// Resolve.java NAMESERVER HOST: what JNDI's resolver says of HOST, and its page from there
import java.net.Socket;
import java.util.Hashtable;
import javax.naming.Context;
import javax.naming.directory.InitialDirContext;

class Resolve {
	public static void main(String[] args) throws Exception {
		Hashtable<String, String> env = new Hashtable<>();
		env.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.dns.DnsContextFactory");
		env.put(Context.PROVIDER_URL, "dns://" + args[0]);
		String address = (String) new InitialDirContext(env)
			.getAttributes(args[1], new String[] {"A"}).get("A").get();
		System.out.println("A: " + address);
		try (Socket socket = new Socket(address, 80)) {
			String request = "GET /hello HTTP/1.0\r\nHost: " + args[1] + "\r\n\r\n";
			socket.getOutputStream().write(request.getBytes());
			System.out.println(new String(socket.getInputStream().readAllBytes()));
		}
	}
}
