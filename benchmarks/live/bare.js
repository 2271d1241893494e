// A bare server of sockets: what one of them says it tells all others. Beside it the live process is measured.
import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (told) => {
    for (const each of server.clients) {
      if (each !== socket && each.readyState === WebSocket.OPEN) each.send(told, { binary: false });
    }
  });
});
