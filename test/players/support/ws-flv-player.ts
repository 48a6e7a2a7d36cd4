import { WebSocket } from 'ws';
import { playWithFfmpeg, type FfmpegPlayer } from './ffmpeg-player.js';

/** ffmpeg knows no WebSocket: it plays what one hands it. */
export function playWebSocket(url: string): FfmpegPlayer {
  const player = playWithFfmpeg('pipe:0');
  const socket = new WebSocket(url);
  socket.on('message', (data: Buffer) => player.stdin.write(data));
  socket.on('error', () => player.stdin.end());
  socket.on('close', () => player.stdin.end());
  void player.ended.then(() => socket.terminate());
  return player;
}
